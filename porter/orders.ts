import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { DONE_PATH, ORDERS_PATH, type OrdersDone } from '../protocol/link/porter.ts';
import { messageOf, type Log } from '../runner/lib/log.ts';
import type { RunnerLine } from './runner-line.ts';
import type { SessionFiles } from './session-files.ts';

/** What the runner asks of the porter: to save the session's files now. */
export class Orders {
  readonly #files: SessionFiles;
  readonly #log: Log;

  constructor(files: SessionFiles, log: Log) {
    this.#files = files;
    this.#log = log;
  }

  /** Listens for as long as this connection lasts. Each order is a number of the runner's, which the answer names. */
  listen(line: Pick<RunnerLine, 'stream'>): void {
    const stream = line.stream(ORDERS_PATH);
    if (stream === undefined) return;
    // The next connection listens again.
    stream.on('error', () => {});
    stream.end();
    createInterface({ input: stream })
      .on('line', (order) => void this.#obey(line, Number(order)))
      .on('error', () => {});
  }

  /** Saves what the session has left, and says so. */
  async finish(line: Pick<RunnerLine, 'stream'>): Promise<void> {
    await this.#obey(line, null);
  }

  async #obey(line: Pick<RunnerLine, 'stream'>, order: number | null): Promise<void> {
    let problem: string | null = null;
    try {
      await this.#files.save(order === null);
    } catch (error) {
      problem = messageOf(error).slice(0, 1024);
      this.#log.error('files not saved', { problem });
    }
    const stream = line.stream(DONE_PATH);
    if (stream === undefined) return;
    stream.end(JSON.stringify({ order, problem } satisfies OrdersDone));
    // Of a connection that breaks the runner asks again.
    await text(stream).catch(() => undefined);
  }
}
