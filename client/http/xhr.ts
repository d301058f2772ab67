/** How much of an upload is on its way, bytes. `total` is null when nobody knows: of a stream. */
export interface Progress {
  readonly sent: number;
  readonly total: number | null;
}

/** What is needed of XMLHttpRequest, which browsers have alone. */
interface Xhr {
  readonly upload: { addEventListener(type: 'progress', listener: (event: { loaded: number }) => void): void };
  readonly status: number;
  readonly response: ArrayBuffer | null;
  responseType: string;
  addEventListener(type: 'load' | 'error' | 'abort', listener: () => void): void;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: Blob): void;
  abort(): void;
}
type XhrConstructor = new () => Xhr;

/** The runtime's, in a browser. */
export const xhrOf = (): XhrConstructor | undefined =>
  (globalThis as { XMLHttpRequest?: XhrConstructor }).XMLHttpRequest;

/** Of the answer, what a client looks at. */
const HEADERS = ['content-type', 'retry-after', 'x-request-id'];

/** As `fetch`, for an upload whose progress is told. */
export function putByXhr(
  Xhr: XhrConstructor,
  request: Request,
  body: Blob,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { method, url, signal, headers } = request;
    signal.throwIfAborted();
    const xhr = new Xhr();
    const abort = () => xhr.abort();
    signal.addEventListener('abort', abort, { once: true });
    const end = (settle: () => void) => () => {
      signal.removeEventListener('abort', abort);
      settle();
    };
    xhr.upload.addEventListener('progress', ({ loaded }) => onProgress?.({ sent: loaded, total: body.size }));
    const load = end(() => {
      const known = HEADERS.flatMap((name) => {
        const value = xhr.getResponseHeader(name);
        return value === null ? [] : [[name, value] as [string, string]];
      });
      resolve(new Response(xhr.response, { status: xhr.status, headers: known }));
    });
    xhr.addEventListener('load', load);
    xhr.addEventListener(
      'error',
      end(() => reject(new TypeError('the network failed'))),
    );
    xhr.addEventListener(
      'abort',
      end(() => reject(signal.reason)),
    );
    xhr.open(method, url);
    xhr.responseType = 'arraybuffer';
    for (const [name, value] of headers) xhr.setRequestHeader(name, value);
    xhr.send(body);
  });
}
