import { CloseCode } from '../../../protocol/close-code.ts';
import {
  runnerTransferFrame,
  TRANSFER_CHUNK,
  TRANSFER_WINDOW,
  type EdgeTransferFrame,
  type RunnerTransferFrame,
} from '../../../protocol/api/files/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { parseJson } from '../../shared/json.ts';
import { refusalResponse } from '../../shared/refusal-response.ts';
import { bodyOf, headResponse } from './transfer-answer.ts';

/**
 * How long a runner may send nothing while the transfer waits for it, milliseconds. It is long because the runner may
 * first have to fetch the files from its storage. It ends transfers whose connection is dead but was never closed.
 */
const SILENCE_MS = 600_000;

type AnswerState = 'none' | 'head' | 'ended';

export interface TransferOptions {
  /** The client's request body; null: it sends none. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** The answer has no body, even if its head names a size. */
  readonly headOnly: boolean;
  /** How long the client may send nothing of its body while there is room for it, seconds. */
  readonly bodyTimeout: number;
}

/**
 * One request for files and its answer: connects the client's HTTP bodies with the runner's socket. Each side is read
 * only as fast as the other side accepts the bytes. At most `TRANSFER_WINDOW` bytes are in flight in each direction.
 */
export class Transfer {
  readonly #body: ReadableStream<Uint8Array> | null;
  readonly #answer = Promise.withResolvers<Response>();
  readonly #headOnly: boolean;
  readonly #bodyTimeout: number;
  readonly #onEnd: () => void;
  #socket: WebSocket | null = null;
  #state: AnswerState = 'none';
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  /** Bytes that the runner may still send. */
  #granted = TRANSFER_WINDOW;
  /** Bytes that came from the runner and that the client has not read yet. */
  #unread = 0;
  /** Bytes that the client has read, and for which the runner has not got new credit yet. */
  #toGrant = 0;
  /** Bytes that this side may still send to the runner. */
  #credit = TRANSFER_WINDOW;
  #onCredit = () => {};
  #bodyReader: ReadableStreamBYOBReader | null = null;
  #silenceTimer: ReturnType<typeof setTimeout> | null = null;

  /** @param onEnd called when the transfer has ended; may be called more than once */
  constructor({ body, headOnly, bodyTimeout }: TransferOptions, onEnd: () => void) {
    this.#body = body;
    this.#headOnly = headOnly;
    this.#bodyTimeout = bodyTimeout;
    this.#onEnd = onEnd;
  }

  /**
   * The response for the client: its head and body, or a refusal. If the runner disconnects, the body ends in an error.
   */
  get answer(): Promise<Response> {
    return this.#answer.promise;
  }

  /** The runner has dialled in with `socket`. */
  connect(socket: WebSocket): void {
    socket.binaryType = 'arraybuffer';
    socket.accept();
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(data as string | ArrayBuffer));
    socket.addEventListener('close', () => this.fail('The runner broke off. Its log says more.'));
    socket.addEventListener('error', () => this.fail('The connection of the runner broke.'));
    this.#restartSilenceTimer();
    void this.#sendBody();
  }

  /** Ends the transfer with a refusal. If the client has part of the body already, the body ends in an error. Does nothing after the end. */
  refuse(refusal: Refusal): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'none') this.#answer.resolve(refusalResponse(refusal));
    const writer = this.#writer;
    this.#end(1000, 'refused');
    // The abort gives the reader its error. If the abort itself fails, nobody reads any more.
    writer?.abort(new Error(refusal.detail)).catch(() => undefined);
  }

  /** As `refuse`, for failures that the runner did not report itself. */
  fail(detail: string): void {
    this.refuse({ refused: 'files_unavailable', detail });
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#state === 'ended') return;
    this.#restartSilenceTimer();
    if (typeof data !== 'string') return this.#receiveBytes(data);
    const frame = runnerTransferFrame.safeParse(parseJson(data)).data;
    if (frame === undefined) return this.#protocolError('not a frame of a transfer');
    this.#handle(frame);
  }

  #handle(frame: RunnerTransferFrame): void {
    switch (frame.kind) {
      case 'head': {
        if (this.#state !== 'none') return this.#protocolError('a second head');
        this.#state = 'head';
        const body = this.#headOnly ? null : bodyOf(frame);
        this.#writer = body?.writable.getWriter() ?? null;
        // `closed` rejects when a write fails. Each write handles its own failure.
        this.#writer?.closed.catch(() => undefined);
        return this.#answer.resolve(headResponse(frame, body?.readable ?? null));
      }
      case 'refused':
        return this.refuse({ refused: frame.refusal.code, detail: frame.refusal.detail });
      case 'credit':
        this.#credit += frame.bytes;
        return this.#onCredit();
      case 'end': {
        if (this.#state !== 'head') return this.#protocolError('an end without a head');
        this.#state = 'ended';
        const writer = this.#writer;
        if (writer === null) return this.#end(1000, 'done');
        // Resolves once the client has read everything. Fails if fewer bytes came than the head announced; the client's
        // read then fails as well.
        writer.close().then(
          () => this.#end(1000, 'done'),
          () => this.#end(CloseCode.badFrame, 'not what the head said'),
        );
      }
    }
  }

  #receiveBytes(data: ArrayBuffer): void {
    const bytes = data.byteLength;
    if (bytes === 0) return;
    this.#granted -= bytes;
    if (this.#writer === null || bytes > TRANSFER_CHUNK || this.#granted < 0) {
      return this.#protocolError('bytes that were not asked for');
    }
    this.#unread += bytes;
    this.#writer.write(new Uint8Array(data)).then(
      () => this.#wasRead(bytes),
      () => this.#end(1000, 'the client went away'),
    );
  }

  #wasRead(bytes: number): void {
    this.#unread -= bytes;
    this.#toGrant += bytes;
    // Credit is sent in portions. The window is large enough that the runner does not have to wait for them.
    if (this.#toGrant < TRANSFER_CHUNK || this.#state === 'ended') return;
    this.#granted += this.#toGrant;
    this.#send({ kind: 'credit', bytes: this.#toGrant });
    this.#toGrant = 0;
  }

  async #sendBody(): Promise<void> {
    if (this.#body === null) return this.#send({ kind: 'end' });
    const reader = this.#body.getReader({ mode: 'byob' });
    this.#bodyReader = reader;
    try {
      for (;;) {
        while (this.#credit === 0 && !this.#hasEnded()) await this.#nextCredit();
        // Each message needs a new buffer: `send` keeps the one that it gets.
        const buffer = new Uint8Array(Math.min(TRANSFER_CHUNK, this.#credit));
        const { done, value } = await this.#inTime(reader.read(buffer));
        if (this.#hasEnded()) return;
        if (done) break;
        this.#credit -= value.byteLength;
        this.#socket?.send(value);
      }
      this.#bodyReader = null;
      this.#send({ kind: 'end' });
    } catch {
      // The client disconnected. Without an `end` the runner discards what it has received.
      this.fail('The request broke off before its body was whole.');
    }
  }

  /** The next bytes of the client's. When they do not come in time, the transfer ends, and so does the wait. */
  async #inTime<T>(read: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      const detail = `Nothing more of the body came for ${this.#bodyTimeout} s (BODY_TIMEOUT). Send it again.`;
      if (!this.#hasEnded()) this.refuse({ refused: 'body_timeout', detail });
    }, this.#bodyTimeout * 1000);
    try {
      return await read;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Checked again after each `await`: the transfer may have ended meanwhile. */
  #hasEnded(): boolean {
    return this.#state === 'ended';
  }

  #nextCredit(): Promise<void> {
    return new Promise((resolve) => {
      this.#onCredit = resolve;
    });
  }

  #send(frame: EdgeTransferFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #protocolError(why: string): void {
    this.#socket?.close(CloseCode.badFrame, why);
    this.fail(`The runner did not keep to the protocol (${why}). Are it and the edge of one version?`);
  }

  /** Starts the wait for the runner's next message anew. */
  #restartSilenceTimer(): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => {
      // While the client has bytes to read, or could send some, the transfer waits for the client and not for the runner.
      const waitsForClient = this.#unread > 0 || (this.#bodyReader !== null && this.#credit > 0);
      if (waitsForClient) this.#restartSilenceTimer();
      else this.fail(`The runner has said nothing for ${SILENCE_MS / 60_000} minutes.`);
    }, SILENCE_MS);
  }

  #end(code: number, why: string): void {
    this.#state = 'ended';
    clearTimeout(this.#silenceTimer);
    this.#socket?.close(code, why);
    this.#onCredit();
    this.#bodyReader?.cancel().catch(() => undefined);
    this.#bodyReader = null;
    this.#onEnd();
  }
}
