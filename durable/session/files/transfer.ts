import { CloseCode } from '../../../protocol/close-code.ts';
import {
  runnerTransferFrame,
  TRANSFER_CHUNK,
  TRANSFER_WINDOW,
  type EdgeTransferFrame,
  type RunnerTransferFrame,
} from '../../../protocol/api/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { parseJson } from '../../shared/json.ts';
import { bodyOf, headResponse, refusalResponse } from './transfer-answer.ts';

/**
 * How long a runner may say nothing while it is waited for, milliseconds. Long, for it may have to fetch the files from
 * its storage first; this is for connections that are dead without anyone having said so.
 */
const SILENCE_MS = 600_000;

type Answered = 'no' | 'head' | 'over';

export interface TransferOptions {
  /** The client's; null: it sends none. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** The answer has no body, whatever size its head says. */
  readonly headOnly: boolean;
}

/**
 * One request for files and its answer: the client's bodies on one side, the runner's socket on the other. Neither side is
 * read faster than the other takes it: what is under way is at most `TRANSFER_WINDOW` bytes each way.
 */
export class Transfer {
  readonly #body: ReadableStream<Uint8Array> | null;
  readonly #answer = Promise.withResolvers<Response>();
  readonly #headOnly: boolean;
  readonly #over: () => void;
  #socket: WebSocket | null = null;
  #answered: Answered = 'no';
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  /** Bytes that the runner may still send; of those that came, those which the client has not taken. */
  #granted = TRANSFER_WINDOW;
  #untaken = 0;
  #ungranted = 0;
  /** Bytes that may still be sent to the runner. */
  #credit = TRANSFER_WINDOW;
  #credited = () => {};
  #reading: ReadableStreamBYOBReader | null = null;
  #silence: ReturnType<typeof setTimeout> | null = null;

  /** @param over called when nothing more will come of it, and perhaps again */
  constructor({ body, headOnly }: TransferOptions, over: () => void) {
    this.#body = body;
    this.#headOnly = headOnly;
    this.#over = over;
  }

  /** The answer for the client, as soon as it has begun, or a refusal. Its body breaks off if the runner does. */
  get answer(): Promise<Response> {
    return this.#answer.promise;
  }

  /** The runner has come. */
  connect(socket: WebSocket): void {
    socket.binaryType = 'arraybuffer';
    socket.accept();
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(data as string | ArrayBuffer));
    socket.addEventListener('close', () => this.fail('The runner broke off. Its log says more.'));
    socket.addEventListener('error', () => this.fail('The connection of the runner broke.'));
    this.#listen();
    void this.#sendBody();
  }

  /** It cannot be had; what the client has of it already is shown to be incomplete. */
  refuse(refusal: Refusal): void {
    if (this.#answered === 'no') this.#answer.resolve(refusalResponse(refusal));
    const writer = this.#writer;
    this.#end(1000, 'refused');
    // Its reader is the one to be told; that the writer is gone as well says nothing new.
    writer?.abort(new Error(refusal.detail)).catch(() => undefined);
  }

  /** As `refuse`, for what is nobody's answer. */
  fail(detail: string): void {
    if (this.#answered !== 'over') this.refuse({ refused: 'files_unavailable', detail });
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#answered === 'over') return;
    this.#listen();
    if (typeof data !== 'string') return this.#bytes(data);
    const frame = runnerTransferFrame.safeParse(parseJson(data)).data;
    if (frame === undefined) return this.#broken('not a frame of a transfer');
    this.#take(frame);
  }

  #take(frame: RunnerTransferFrame): void {
    switch (frame.kind) {
      case 'head': {
        if (this.#answered !== 'no') return this.#broken('a second head');
        this.#answered = 'head';
        const body = this.#headOnly ? null : bodyOf(frame);
        this.#writer = body?.writable.getWriter() ?? null;
        // Rejects with each write that fails, and those are looked at.
        this.#writer?.closed.catch(() => undefined);
        return this.#answer.resolve(headResponse(frame, body?.readable ?? null));
      }
      case 'refused':
        return this.refuse({ refused: frame.refusal.code, detail: frame.refusal.detail });
      case 'credit':
        this.#credit += frame.bytes;
        return this.#credited();
      case 'end': {
        if (this.#answered !== 'head') return this.#broken('an end without a head');
        this.#answered = 'over';
        const writer = this.#writer;
        if (writer === null) return this.#end(1000, 'done');
        // Resolves once the client has taken all; fails when there was less than the head said, and so does the client's read.
        writer.close().then(
          () => this.#end(1000, 'done'),
          () => this.#end(CloseCode.badFrame, 'not what the head said'),
        );
      }
    }
  }

  #bytes(data: ArrayBuffer): void {
    const bytes = data.byteLength;
    if (bytes === 0) return;
    this.#granted -= bytes;
    if (this.#writer === null || bytes > TRANSFER_CHUNK || this.#granted < 0) {
      return this.#broken('bytes that were not asked for');
    }
    this.#untaken += bytes;
    this.#writer.write(new Uint8Array(data)).then(
      () => this.#taken(bytes),
      () => this.#end(1000, 'the client went away'),
    );
  }

  #taken(bytes: number): void {
    this.#untaken -= bytes;
    this.#ungranted += bytes;
    // A few at a time: the window is large enough that nobody waits for these.
    if (this.#ungranted < TRANSFER_CHUNK || this.#answered === 'over') return;
    this.#granted += this.#ungranted;
    this.#send({ kind: 'credit', bytes: this.#ungranted });
    this.#ungranted = 0;
  }

  async #sendBody(): Promise<void> {
    if (this.#body === null) return this.#send({ kind: 'end' });
    const reader = this.#body.getReader({ mode: 'byob' });
    this.#reading = reader;
    try {
      for (;;) {
        while (this.#credit === 0 && !this.#isOver()) await this.#nextCredit();
        // A buffer of its own for each message: it belongs to the socket from then on.
        const room = new Uint8Array(Math.min(TRANSFER_CHUNK, this.#credit));
        const { done, value } = await reader.read(room);
        if (this.#isOver()) return;
        if (done) break;
        this.#credit -= value.byteLength;
        this.#socket?.send(value);
      }
      this.#reading = null;
      this.#send({ kind: 'end' });
    } catch {
      // The client broke off. Without an `end` the runner keeps nothing of what it was sent.
      this.fail('The request broke off before its body was whole.');
    }
  }

  /** Asked again after each wait: it may have come to be so meanwhile. */
  #isOver(): boolean {
    return this.#answered === 'over';
  }

  #nextCredit(): Promise<void> {
    return new Promise((resolve) => {
      this.#credited = resolve;
    });
  }

  #send(frame: EdgeTransferFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #broken(why: string): void {
    this.#socket?.close(CloseCode.badFrame, why);
    this.fail(`The runner did not keep to the protocol (${why}). Are it and the edge of one version?`);
  }

  /** Something was heard of the runner. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      // It is not the runner that is waited for while the client has not taken, or not sent, what it could.
      const onClient = this.#untaken > 0 || (this.#reading !== null && this.#credit > 0);
      if (onClient) this.#listen();
      else this.fail(`The runner has said nothing for ${SILENCE_MS / 60_000} minutes.`);
    }, SILENCE_MS);
  }

  #end(code: number, why: string): void {
    this.#answered = 'over';
    clearTimeout(this.#silence);
    this.#socket?.close(code, why);
    this.#credited();
    this.#reading?.cancel().catch(() => undefined);
    this.#reading = null;
    this.#over();
  }
}
