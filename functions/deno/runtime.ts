/** What is used of Deno here. Its own types describe another runtime as a whole, against which the edge cannot be checked. */

/** A socket that a client has opened. */
export interface ServedSocket {
  binaryType: 'arraybuffer' | 'blob';
  readonly readyState: number;
  readonly bufferedAmount: number;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
  send(data: string | ArrayBuffer | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

interface ServeOptions {
  readonly hostname: string;
  readonly port: number;
  onListen(address: { readonly hostname: string; readonly port: number }): void;
}

/** Where a request comes from. */
export interface ServeInfo {
  readonly remoteAddr: { readonly hostname: string };
}

interface Server {
  /** Takes no more requests, and resolves when those that are open have ended. */
  shutdown(): Promise<void>;
}

interface DenoRuntime {
  readonly env: { toObject(): Record<string, string> };
  serve(options: ServeOptions, handler: (request: Request, info: ServeInfo) => Promise<Response>): Server;
  /** The URL of `functions/deno.ts`. */
  readonly mainModule: string;
  readonly errors: { readonly NotFound: new () => Error };
  readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
  upgradeWebSocket(request: Request): { readonly socket: ServedSocket; readonly response: Response };
  addSignalListener(signal: 'SIGINT' | 'SIGTERM', listener: () => void): void;
  exit(code: number): never;
}

declare const Deno: DenoRuntime;

export const deno = Deno;
