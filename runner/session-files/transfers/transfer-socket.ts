import { WebSocket } from 'ws';
import { CloseCode } from '../../../protocol/close-code.ts';
import {
  edgeTransferFrame,
  TRANSFER_CHUNK,
  TRANSFER_WINDOW,
  type FilesRefusal,
  type RunnerTransferFrame,
} from '../../../protocol/api/files/files.ts';
import { HEARTBEAT_MS } from '../../../protocol/link/runner-control.ts';
import type { FilesAnswer } from '../../files/answer.ts';
import { FilesRefused } from '../../files/paths/refused.ts';
import type { Log } from '../../lib/log.ts';
import { ByteChannel } from './byte-channel.ts';
import { dial, type DialEnd, type EdgeAgents } from '../../link/dial.ts';

/** Bytes read are granted again once they are this many: not every chunk needs a frame. */
const GRANT = TRANSFER_WINDOW / 4;

export interface TransferOptions {
  /** The edge's address for this transfer, http(s) or ws(s). */
  url: string;
  /** The runner's own. */
  token: string;
  /** Absent: the edge is dialled directly. */
  agents?: EdgeAgents | undefined;
  /** Makes the answer. `body` is the client's, and throws when the rest of it will never come. */
  answer: (body: AsyncIterable<Uint8Array>) => Promise<FilesAnswer>;
  log: Log;
  heartbeatMs?: number;
}

/**
 * The runner's end of one transfer: connects to the edge, answers the request and closes. Returns when that is over, also
 * after an error. Errors are sent to the edge or, without a connection, written to the log.
 */
export async function answerTransfer(options: TransferOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const transfer = new Transfer(options, resolve);
  await promise;
  await transfer.answered;
}

/** The edge closed the connection, for example because the client did, or the connection broke. */
class TransferClosed extends Error {
  override readonly name = 'TransferClosed';
}

class Transfer {
  readonly #options: TransferOptions;
  readonly #socket: WebSocket;
  readonly #body: ByteChannel;
  /** Bytes that the edge may still send. */
  #receiveCredit = TRANSFER_WINDOW;
  /** Bytes read since the edge was last granted more. */
  #ungranted = 0;
  /** Bytes that the runner may still send. */
  #sendCredit = TRANSFER_WINDOW;
  #closed: TransferClosed | undefined;
  #wake: (() => void) | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  answered: Promise<void> = Promise.resolve();

  constructor(options: TransferOptions, onEnd: () => void) {
    this.#options = options;
    this.#body = new ByteChannel((bytes) => this.#onRead(bytes));
    const handlers = {
      open: () => {
        this.#beat();
        this.answered = this.#answer();
      },
      message: (text: string) => this.#frame(text),
      binary: (data: Buffer) => this.#received(data),
      end: (how: DialEnd) => {
        this.#ended(how);
        onEnd();
      },
    };
    this.#socket = dial(options.url, options.token, handlers, options.agents);
  }

  #frame(text: string): void {
    const parsed = edgeTransferFrame.safeParse(parseJson(text));
    if (!parsed.success) return this.#socket.close(CloseCode.badFrame, 'not a frame of this protocol');
    if (parsed.data.kind === 'end') return this.#body.end();
    this.#sendCredit += parsed.data.bytes;
    this.#wake?.();
  }

  #received(data: Buffer): void {
    this.#receiveCredit -= data.length;
    if (this.#receiveCredit < 0) this.#socket.close(CloseCode.badFrame, 'more bytes than were granted');
    else this.#body.push(data);
  }

  #onRead(bytes: number): void {
    this.#ungranted += bytes;
    if (this.#ungranted < GRANT) return;
    this.#receiveCredit += this.#ungranted;
    this.#send({ kind: 'credit', bytes: this.#ungranted });
    this.#ungranted = 0;
  }

  async #answer(): Promise<void> {
    try {
      const answer = await this.#options.answer(this.#body);
      if (!answer.ok) this.#send({ kind: 'refused', refusal: answer.refusal });
      else {
        this.#send({ kind: 'head', ...answer.head });
        for await (const chunk of answer.body) await this.#sendBytes(chunk);
        this.#send({ kind: 'end' });
      }
    } catch (error) {
      if (error instanceof TransferClosed) this.#options.log.debug('transfer broken off', { why: error.message });
      else this.#send({ kind: 'refused', refusal: this.#refusalOf(error) });
    }
    // The socket sends what is waiting before it closes.
    this.#socket.close(1000);
  }

  #refusalOf(error: unknown): FilesRefusal {
    if (error instanceof FilesRefused) return error.refusal;
    this.#options.log.error('transfer failed', { error });
    return { code: 'files_unavailable', detail: 'The runner could not answer; its log says why.' };
  }

  /** Sends bytes as fast as the edge grants them and the connection takes them. */
  async #sendBytes(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      await this.#waitForCredit();
      const part = chunk.subarray(at, at + Math.min(TRANSFER_CHUNK, this.#sendCredit));
      this.#sendCredit -= part.length;
      at += part.length;
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(part, (error) => (error ? reject(new TransferClosed(error.message)) : resolve()));
      });
    }
  }

  async #waitForCredit(): Promise<void> {
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed;
      if (this.#sendCredit > 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  #send(frame: RunnerTransferFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** Ends a connection that no longer answers pings: a vanished edge must not keep a file open for good. */
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
