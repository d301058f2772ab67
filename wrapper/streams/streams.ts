import { createConnection, type Socket } from 'node:net';
import type { StreamTarget } from '../../protocol/link/tunnel/target.ts';
import {
  streamOrder,
  type StreamHello,
  type StreamOrder,
  type StreamReport,
} from '../../protocol/link/tunnel/streams.ts';
import { MAX_STREAM_LINE } from '../../protocol/settings/limits.ts';
import { backoff } from '../lib/backoff.ts';
import { LineSplitter } from '../lib/line-splitter.ts';

/** What a stream leads to, once it is there. */
export interface OpenedStream {
  /** Has the stream's connection to the runner from now on. `broken`: to be called when what it leads to breaks off. */
  accept(connection: Socket, broken: () => void): void;
  /** The runner does not want it any more, or cannot be reached. */
  cancel(): void;
}
export interface RefusedStream {
  readonly refused: { readonly code: string; readonly detail: string };
}
/** Makes what a stream leads to. `signal`: nobody wants it any more. */
export type StreamOpener = (target: StreamTarget, signal: AbortSignal) => Promise<OpenedStream | RefusedStream>;

/** Most streams that are being opened or are open. The runner asks for no more than its own bound. */
const MAX_STREAMS = 256;
/** After `broken` the runner closes the connection. If it does not, so long afterwards, milliseconds. */
const BROKEN_MS = 1_000;

/**
 * The container's end of streams: takes the runner's orders on the control connection, and makes a connection for each stream.
 * It dials the control connection again after each break; streams have connections of their own and live on.
 */
export class Streams {
  readonly #path: string;
  readonly #openers: Readonly<Record<string, StreamOpener>>;
  /** Those that are being opened or are open. */
  readonly #streams = new Map<string, AbortController>();
  #control: Socket | undefined;
  #failures = 0;
  #redial: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param openers by the kind of their targets */
  constructor(path: string, openers: Readonly<Record<string, StreamOpener>>) {
    this.#path = path;
    this.#openers = openers;
    this.#dial();
  }

  /** Takes no more orders. Streams that are open end with what they lead to. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#redial);
    this.#control?.destroy();
    for (const stream of this.#streams.values()) stream.abort();
  }

  #dial(): void {
    const control = createConnection(this.#path);
    const lines = new LineSplitter(MAX_STREAM_LINE);
    control.once('connect', () => {
      this.#control = control;
      control.write(line({ kind: 'control' }));
    });
    control.on('data', (chunk: Buffer) => {
      for (const read of lines.push(chunk)) {
        const order = read.kind === 'line' ? parseOrder(read.bytes) : undefined;
        // An order of a newer runner cannot be answered. It gives up waiting by itself.
        if (order === undefined) continue;
        this.#failures = 0;
        if (order.kind === 'cancel') this.#streams.get(order.id)?.abort();
        else void this.#carryOut(order, control);
      }
    });
    // `close` follows, and dials again. A runner of an earlier version has no such socket, now or ever: that is said nowhere.
    control.on('error', () => {});
    control.once('close', () => {
      if (this.#control === control) this.#control = undefined;
      if (this.#closed) return;
      this.#redial = setTimeout(() => this.#dial(), backoff(this.#failures, Math.random()));
      this.#failures += 1;
    });
  }

  async #carryOut({ id, target }: Extract<StreamOrder, { kind: 'open' }>, control: Socket): Promise<void> {
    const refuse = (code: string, detail: string): void =>
      report(control, { kind: 'refused', id, code, detail: detail.slice(0, 1024) });
    const opener = Object.hasOwn(this.#openers, target.kind) ? this.#openers[target.kind] : undefined;
    if (opener === undefined)
      return refuse('container_outdated', `This container knows no streams of the kind "${target.kind}".`);
    if (this.#streams.size >= MAX_STREAMS)
      return refuse('too_many_streams', `${MAX_STREAMS} streams of this container are open.`);
    const stream = new AbortController();
    this.#streams.set(id, stream);
    let opened: OpenedStream | RefusedStream;
    try {
      opened = await opener(target, stream.signal);
    } catch (error) {
      opened = { refused: { code: 'bad_answer', detail: `The container could not open the stream: ${String(error)}` } };
    }
    if (!('refused' in opened) && !stream.signal.aborted) return this.#connect(id, stream, opened);
    this.#streams.delete(id);
    if ('refused' in opened) refuse(opened.refused.code, opened.refused.detail);
    else opened.cancel();
  }

  #connect(id: string, stream: AbortController, opened: OpenedStream): void {
    const connection = createConnection({ path: this.#path, allowHalfOpen: true });
    let isAccepted = false;
    stream.signal.addEventListener('abort', () => connection.destroy(), { once: true });
    connection.on('error', () => {});
    connection.once('close', () => {
      this.#streams.delete(id);
      if (!isAccepted) opened.cancel();
    });
    connection.once('connect', () => {
      isAccepted = true;
      connection.write(line({ kind: 'stream', id }));
      opened.accept(connection, () => {
        if (this.#control !== undefined) report(this.#control, { kind: 'broken', id });
        const late = setTimeout(() => connection.destroy(), BROKEN_MS);
        connection.once('close', () => clearTimeout(late));
      });
    });
  }
}

function report(control: Socket, frame: StreamReport): void {
  if (!control.destroyed) control.write(line(frame));
}

const line = (frame: StreamHello | StreamReport): string => `${JSON.stringify(frame)}\n`;

function parseOrder(bytes: Buffer): StreamOrder | undefined {
  try {
    return streamOrder.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
