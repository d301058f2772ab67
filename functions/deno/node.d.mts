/** What a request carries along through all that is called for it. */
export declare class AsyncLocalStorage<T> {
  run<R>(store: T, call: () => R): R;
  getStore(): T | undefined;
}

/** A response that came in place of a WebSocket. */
export interface PlainAnswer extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface WebSocketOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly perMessageDeflate: false;
  readonly handshakeTimeout: number;
  readonly maxPayload: number;
}

/** A WebSocket that dials out. Unlike the platform's own, it says why it was refused, and can be paused. */
export declare class WebSocket {
  constructor(url: string, options: WebSocketOptions);
  readonly bufferedAmount: number;
  on(event: 'open', listener: () => void): void;
  on(event: 'message', listener: (data: Uint8Array<ArrayBuffer>, isBinary: boolean) => void): void;
  on(event: 'close', listener: (code: number, reason: Uint8Array) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'unexpected-response', listener: (request: { destroy(): void }, answer: PlainAnswer) => void): void;
  send(data: string | ArrayBuffer): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}
