import { WebSocket } from 'ws';
import { CloseCode } from '../../../protocol/close-code.ts';
import {
  edgeTransferFrame,
  TRANSFER_CHUNK,
  TRANSFER_WINDOW,
  type FilesRefusal,
  type RunnerTransferFrame,
} from '../../../protocol/api/files.ts';
import { HEARTBEAT_MS } from '../../../protocol/link/runner-control.ts';
import type { FilesAnswer } from '../../files/answer.ts';
import { FilesRefused } from '../../files/paths/refused.ts';
import type { Log } from '../../lib/log.ts';
import { ByteChannel } from '../../link/byte-channel.ts';
import { dial, type DialEnd } from '../../link/dial.ts';

/** What has been taken is granted anew once it is this much, bytes: not a frame for every chunk. */
const GRANT = TRANSFER_WINDOW / 4;

export interface TransferOptions {
  /** Where the edge waits for this transfer, http(s) or ws(s). */
  url: string;
  /** The runner's own. */
  token: string;
  /** Makes the answer. `body` is the client's, and throws when it will never be whole. */
  answer: (body: AsyncIterable<Uint8Array>) => Promise<FilesAnswer>;
  log: Log;
  heartbeatMs?: number;
}

/**
 * The runner's end of one transfer: dials the edge, answers the request there and closes. Returns when it is over, however that was:
 * what went wrong has been told to the edge or, if that is not there, to the log.
 */
export async function answerTransfer(options: TransferOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const transfer = new Transfer(options, resolve);
  await promise;
  await transfer.answered;
}

/** The edge went away, or closed because the client did. */
class TransferClosed extends Error {
  override readonly name = 'TransferClosed';
}

class Transfer {
  readonly #options: TransferOptions;
  readonly #socket: WebSocket;
  readonly #body: ByteChannel;
  /** What the edge may still send, bytes, and what was taken since it was last granted more. */
  #theirs = TRANSFER_WINDOW;
  #taken = 0;
  /** What we may still send, bytes. */
  #ours = TRANSFER_WINDOW;
  #closed: TransferClosed | undefined;
  #wake: (() => void) | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  answered: Promise<void> = Promise.resolve();

  constructor(options: TransferOptions, over: () => void) {
    this.#options = options;
    this.#body = new ByteChannel((bytes) => this.#took(bytes));
    this.#socket = dial(options.url, options.token, {
      open: () => {
        this.#beat();
        this.answered = this.#answer();
      },
      message: (text) => this.#frame(text),
      binary: (data) => this.#received(data),
      end: (how) => {
        this.#ended(how);
        over();
      },
    });
  }

  #frame(text: string): void {
    const parsed = edgeTransferFrame.safeParse(parseJson(text));
    if (!parsed.success) return this.#socket.close(CloseCode.badFrame, 'not a frame of this protocol');
    if (parsed.data.kind === 'end') return this.#body.end();
    this.#ours += parsed.data.bytes;
    this.#wake?.();
  }

  #received(data: Buffer): void {
    this.#theirs -= data.length;
    if (this.#theirs < 0) this.#socket.close(CloseCode.badFrame, 'more bytes than were granted');
    else this.#body.push(data);
  }

  #took(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < GRANT) return;
    this.#theirs += this.#taken;
    this.#send({ kind: 'credit', bytes: this.#taken });
    this.#taken = 0;
  }

  async #answer(): Promise<void> {
    try {
      const answer = await this.#options.answer(this.#body);
      if (!answer.ok) this.#send({ kind: 'refused', refusal: answer.refusal });
      else {
        this.#send({ kind: 'head', ...answer.head });
        for await (const chunk of answer.body) await this.#give(chunk);
        this.#send({ kind: 'end' });
      }
    } catch (error) {
      if (error instanceof TransferClosed) this.#options.log.debug('transfer broken off', { why: error.message });
      else this.#send({ kind: 'refused', refusal: this.#refusalOf(error) });
    }
    // What is still to be sent goes out before that.
    this.#socket.close(1000);
  }

  #refusalOf(error: unknown): FilesRefusal {
    if (error instanceof FilesRefused) return error.refusal;
    this.#options.log.error('transfer failed', { error });
    return { code: 'files_unavailable', detail: 'The runner could not answer; its log says why.' };
  }

  /** Sends bytes, as fast as the edge grants and the connection takes them. */
  async #give(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      await this.#granted();
      const part = chunk.subarray(at, at + Math.min(TRANSFER_CHUNK, this.#ours));
      this.#ours -= part.length;
      at += part.length;
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(part, (error) => (error ? reject(new TransferClosed(error.message)) : resolve()));
      });
    }
  }

  async #granted(): Promise<void> {
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed;
      if (this.#ours > 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  #send(frame: RunnerTransferFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** An edge that vanished without a word must not hold a file open for good. */
  #beat(): void {
    let missed = 0;
    this.#socket.on('pong', () => {
      missed = 0;
    });
    this.#heartbeat = setInterval(() => {
      if (++missed > 3) this.#socket.terminate();
      else this.#socket.ping();
    }, this.#options.heartbeatMs ?? HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  #ended(how: DialEnd): void {
    clearInterval(this.#heartbeat);
    const why = how.kind === 'closed' ? `closed with ${how.code} ${how.reason}`.trim() : how.detail;
    if (how.kind !== 'closed') this.#options.log.warn('transfer connection failed', { ...how });
    this.#closed = new TransferClosed(why);
    this.#body.fail(this.#closed);
    this.#wake?.();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
