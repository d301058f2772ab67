import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { CLAIM_FRAME, SPARE_SOCKET, type SpareFrame } from '../../../protocol/link/wrapper/spare.ts';
import * as z from 'zod';
import { listenOnUnixSocket } from '../../lib/streams/unix-socket.ts';

const spareFrame = z.discriminatedUnion('spare', [
  z.object({ spare: z.literal('parked') }),
  z.object({ spare: z.literal('failed'), detail: z.string().max(8192) }),
  z.object({ spare: z.literal('taken') }),
]) satisfies z.ZodType<SpareFrame>;

/** More than a wrapper has to say. */
const MAX_BYTES = 64 * 1024;

type State = 'waiting' | 'parked' | 'taken' | 'gone';

export interface SpareLineListener {
  /** Its `claude` waits. */
  parked(): void;
  /** It has ended before it had read a claim. */
  gone(why: string): void;
}

/** The runner's end of a spare's line. What is in the container is not trusted: it can end the spare, and nothing else. */
export class SpareLine {
  #state: State = 'waiting';
  /** Why it is gone. */
  #why = '';
  #wrapper: Socket | undefined;
  #stopListening: (() => Promise<void>) | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #listener: SpareLineListener;

  private constructor(listener: SpareLineListener) {
    this.#listener = listener;
  }

  /** @param runPath a short enough path of the spare's run folder */
  static async open(runPath: string, listener: SpareLineListener): Promise<SpareLine> {
    const line = new SpareLine(listener);
    const server = createServer((socket) => line.#connected(socket));
    line.#stopListening = await listenOnUnixSocket(server, path.join(runPath, SPARE_SOCKET));
    return line;
  }

  /** Its `claude` waits. */
  get isParked(): boolean {
    return this.#state === 'parked';
  }

  /** Resolves with undefined when its `claude` waits, or with why it does not. */
  parked(ms: number): Promise<string | undefined> {
    return this.#until(() => this.#state !== 'waiting', ms);
  }

  /** Tells the wrapper that it is claimed. Resolves with undefined when it has read that, or with why it has not. */
  async wake(ms: number): Promise<string | undefined> {
    if (this.#state === 'parked') this.#wrapper?.write(`${CLAIM_FRAME}\n`);
    return await this.#until(() => this.#state === 'taken', ms);
  }

  /** Its container has ended. */
  ended(why: string): void {
    this.#leave(why);
  }

  /** A wrapper that was not claimed ends. */
  async close(): Promise<void> {
    this.#leave('the runner has given it up');
    this.#wrapper?.destroy();
    await this.#stopListening?.();
  }

  #connected(socket: Socket): void {
    // Only its wrapper is there before anything else runs.
    if (this.#wrapper !== undefined) return void socket.destroy();
    this.#wrapper = socket;
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      if (heard.length > MAX_BYTES) return this.#broken('it said too much');
      const lines = heard.split('\n');
      heard = lines.pop() ?? '';
      for (const line of lines) this.#heard(line);
    });
    socket.on('error', () => {
      // `close` follows.
    });
    socket.once('close', () => this.#leave('its wrapper has ended'));
  }

  #heard(line: string): void {
    const frame = spareFrame.safeParse(parse(line));
    if (!frame.success) return this.#broken('what it said is no frame of a spare');
    if (frame.data.spare === 'failed') return this.#broken(`its claude has ended: ${frame.data.detail}`);
    if (frame.data.spare === 'taken' ? this.#state !== 'parked' : this.#state !== 'waiting') return;
    this.#state = frame.data.spare;
    this.#changed();
    if (this.#state === 'parked') this.#listener.parked();
  }

  #broken(why: string): void {
    this.#leave(why);
    this.#wrapper?.destroy();
  }

  #leave(why: string): void {
    if (this.#state === 'taken' || this.#state === 'gone') return;
    this.#state = 'gone';
    this.#why = why;
    this.#changed();
    this.#listener.gone(why);
  }

  #changed(): void {
    for (const check of this.#waiting) check();
  }

  #until(isSo: () => boolean, ms: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const settle = (why: string | undefined): void => {
        clearTimeout(late);
        this.#waiting.delete(check);
        resolve(why);
      };
      const check = (): void => {
        if (this.#state === 'gone') settle(this.#why);
        else if (isSo()) settle(undefined);
      };
      const late = setTimeout(() => settle(`it did not answer within ${ms / 1000} s`), ms);
      this.#waiting.add(check);
      check();
    });
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
