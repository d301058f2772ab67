import { env } from 'cloudflare:test';
import { createApp } from '../../../../../functions/app.ts';
import {
  TRANSFER_CHUNK,
  TRANSFER_WINDOW,
  type FilesRefusalCode,
  type FilesRequest,
  type RunnerTransferFrame,
} from '../../../../../protocol/api/files/files.ts';
import type { User } from '../../../support/api.ts';
import type { FakeRunner } from '../../../support/runner.ts';
import { runnerToken } from '../../../support/runner-token.ts';

const app = createApp();

/** Calls a files route the way an HTTP client does; the body is the caller's to read. */
export async function callFiles(user: User, method: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${await user.token}`);
  return app.request(`/api/v1/sessions/${path}`, { ...init, method, headers }, env);
}

/** Dials for a transfer; gives the answer, whatever it is. */
export async function dialTransfer(sessionId: string, transferId: string, token: string): Promise<Response> {
  const headers = { upgrade: 'websocket', authorization: `Bearer ${token}` };
  return app.request(`/api/v1/runner/sessions/${sessionId}/transfers/${transferId}`, { headers }, env);
}

const HEAD = { type: 'application/octet-stream', size: null, range: null, modified_at: null, etag: null };

interface Order {
  readonly session_id: string;
  readonly transfer_id: string;
  readonly request: FilesRequest;
}

/** The runner's end of a transfer. It keeps to what it was granted, unless it is told to `flood`. */
export class FakeTransfer {
  readonly request: FilesRequest;
  readonly #socket: WebSocket;
  readonly #body: Uint8Array[] = [];
  /** Bytes of the client's body that have come, and that were not granted anew. */
  received = 0;
  ungranted = 0;
  /** Bytes that may be sent. */
  credit = TRANSFER_WINDOW;
  closed: { code: number; reason: string } | null = null;
  whole = false;
  #wake = () => {};

  private constructor(request: FilesRequest, socket: WebSocket) {
    this.request = request;
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wake();
    });
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') {
        const frame = JSON.parse(data) as { kind: 'end' } | { kind: 'credit'; bytes: number };
        if (frame.kind === 'end') this.whole = true;
        else this.credit += frame.bytes;
      } else {
        const bytes = new Uint8Array(data as ArrayBuffer);
        this.#body.push(bytes);
        this.received += bytes.length;
        this.ungranted += bytes.length;
      }
      this.#wake();
    });
    socket.accept();
  }

  /** The next transfer that is ordered of a runner. */
  static order(runner: FakeRunner): Promise<Order> {
    return runner.control.next(({ kind }) => kind === 'transfer');
  }

  static async dial(runner: FakeRunner, order: Order): Promise<FakeTransfer> {
    const token = await runnerToken(runner.name);
    const { webSocket, status } = await dialTransfer(order.session_id, order.transfer_id, token);
    if (webSocket === null) throw new Error(`no WebSocket but ${status}`);
    return new FakeTransfer(order.request, webSocket);
  }

  static async next(runner: FakeRunner): Promise<FakeTransfer> {
    return FakeTransfer.dial(runner, await FakeTransfer.order(runner));
  }

  frame(frame: RunnerTransferFrame | Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(frame));
  }

  head(change: Partial<Extract<RunnerTransferFrame, { kind: 'head' }>> = {}): void {
    this.frame({ kind: 'head', ...HEAD, ...change });
  }

  json(value: unknown): void {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    this.head({ type: 'application/json', size: bytes.length });
    this.flood(bytes);
    this.end();
  }

  refuse(code: FilesRefusalCode, detail = `it is ${code}`): void {
    this.frame({ kind: 'refused', refusal: { code, detail } });
  }

  end(): void {
    this.frame({ kind: 'end' });
  }

  /** Sends without looking at what was granted. */
  flood(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += TRANSFER_CHUNK) this.#socket.send(bytes.slice(at, at + TRANSFER_CHUNK));
  }

  /** Sends as it is granted. Ends early when the edge closes. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.closed === null;) {
      await this.until(() => this.credit > 0);
      const part = bytes.slice(at, at + Math.min(TRANSFER_CHUNK, this.credit));
      if (this.closed !== null) return;
      this.#socket.send(part);
      this.credit -= part.length;
      at += part.length;
    }
  }

  /** Lets the client send as much more as has come. */
  grant(): void {
    if (this.ungranted > 0) this.frame({ kind: 'credit', bytes: this.ungranted });
    this.ungranted = 0;
  }

  /** The client's body, read as fast as it comes. */
  async body(): Promise<Uint8Array> {
    await this.until(() => {
      this.grant();
      return this.whole;
    });
    return this.taken();
  }

  /** What has come of the client's body. */
  taken(): Uint8Array {
    const all = new Uint8Array(this.received);
    let at = 0;
    for (const part of this.#body) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Waits until it is so, or the edge has closed. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && this.closed === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.close(1000);
  }
}
