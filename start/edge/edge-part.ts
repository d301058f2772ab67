import { once } from 'node:events';
import path from 'node:path';
import { diskSentence } from './edge-disk.ts';
import { edgeReport, type EdgeCommand } from './edge-messages.ts';
import { LogFile } from '../lib/log-file.ts';
import { describeExit, killPart, partExit, startPart } from '../lib/part.ts';
import { shownPath } from '../lib/project.ts';
import { isRefused, type Refused } from '../lib/refused.ts';

/** Longest time until the edge has ended, milliseconds. */
const STOP_MS = 5000;

export interface EdgePart {
  readonly url: string;
  /** Resolves with a sentence on how the edge ended. Before `stop`, that is a failure. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
}

export type EdgePartOptions = Omit<Extract<EdgeCommand, { command: 'start' }>, 'command'> & {
  /** The file for its output. */
  log: string;
  /** Gets a line when the disk has become nearly full, or is so no more. */
  say: (line: string) => void;
};

/** Starts the edge in a process of its own, and waits until it serves. */
export async function startEdgePart({ log: file, say, ...options }: EdgePartOptions): Promise<EdgePart | Refused> {
  const log = new LogFile(file);
  log.begin();
  const part = startPart(path.join(import.meta.dirname, 'edge-process.ts'), {}, log);
  const exit = partExit(part);
  const ended = exit.then((how) => {
    // An edge that was killed leaves workerd behind.
    killPart(part);
    log.flush();
    return `the edge ended ${describeExit(how, log)} (its log: ${shownPath(file)})`;
  });
  // An error here needs no handling: when a command cannot arrive, the process has exited, which `exit` shows.
  const send = (command: EdgeCommand) => part.connected && part.send(command, () => undefined);

  send({ command: 'start', ...options });
  const answer = await Promise.race([
    once(part, 'message').then(([message]) => edgeReport.parse(message)),
    ended.then((refused): Refused => ({ refused })),
  ]);
  if (isRefused(answer)) return answer;
  if (answer.report === 'disk') throw new Error('the edge speaks of the disk before it serves');
  if (answer.report === 'failed') {
    send({ command: 'stop' });
    await exit;
    return { refused: `the edge could not start: ${answer.why.trim().split('\n').join(' ')}` };
  }
  part.on('message', (message) => {
    const report = edgeReport.parse(message);
    if (report.report === 'disk') say(diskSentence(report.disk));
  });
  return {
    url: answer.url,
    ended,
    async stop() {
      send({ command: 'stop' });
      const killTimer = setTimeout(() => killPart(part), STOP_MS);
      await exit;
      clearTimeout(killTimer);
    },
    kill: () => killPart(part),
  };
}
