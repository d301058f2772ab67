import type { Dispatcher } from 'undici';
import type { EdgeTunnelFrame, Fields } from '../../../protocol/link/tunnel/frames.ts';
import { endToEnd } from '../../../protocol/link/tunnel/end-to-end.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import { refuseFor, type Exchange, type TunnelStream } from './exchange.ts';
import type { PortPool } from './port-pool.ts';
import { RequestBody } from './request-body.ts';

type Request = Extract<EdgeTunnelFrame, { kind: 'open_http' }>;

/** May be sent again on a new connection, when a kept one was closed by the server just as it was used. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** One request to a server of the container, and its answer. */
export class HttpExchange implements Exchange {
  readonly #request: Request;
  readonly #pool: PortPool;
  readonly #stream: TunnelStream;
  readonly #body: RequestBody | null;
  #controller: Dispatcher.DispatchController | undefined;
  #hasHead = false;
  #isOver = false;

  constructor(request: Request, pool: PortPool, stream: TunnelStream) {
    this.#request = request;
    this.#pool = pool;
    this.#stream = stream;
    this.#body = request.body ? new RequestBody((cost) => stream.end.taken(cost)) : null;
    // Its end is told by the request.
    this.#body?.on('error', () => {});
    this.#dispatch(REPEATABLE.has(request.method) && !request.body);
  }

  bytes({ bytes }: Omit<TunnelMessage, 'stream'>, cost: number): void {
    // A server may answer without having read all of the body.
    if (this.#body === null || this.#body.destroyed) this.#stream.end.taken(cost);
    else this.#body.add(bytes, cost);
  }

  end(): void {
    this.#body?.finish();
  }

  cancel(): void {
    this.#isOver = true;
    const reason = new Error('nobody waits for the answer any more');
    this.#controller?.abort(reason);
    this.#body?.destroy(reason);
  }

  #dispatch(mayRepeat: boolean): void {
    const { port, method, path, headers } = this.#request;
    const options = { path, method: method, headers: headers.flat(), body: this.#body };
    try {
      this.#pool.dispatch(port, options, this.#handler(mayRepeat));
    } catch (error) {
      // A request that cannot be written at all.
      this.#fail(error);
    }
  }

  #handler(mayRepeat: boolean): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller) => {
        this.#controller = controller;
        if (this.#isOver) controller.abort(new Error('nobody waits for the answer any more'));
      },
      onResponseStart: (controller, status) => {
        // `103 Early Hints` and the like: the answer follows.
        if (status < 200 || this.#isOver) return;
        this.#hasHead = true;
        this.#stream.head(status, endToEnd(pairs(controller.rawHeaders)));
      },
      onResponseData: (controller, chunk) => {
        if (this.#isOver) return;
        void this.#stream.end.send('bytes', chunk).then(() => {
          if (this.#stream.end.waiting === 0) controller.resume();
        });
        if (this.#stream.end.waiting > 0) controller.pause();
      },
      onResponseEnd: () => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#stream.end.end();
        this.#stream.finish();
      },
      onResponseError: (_controller, error) => {
        if (this.#isOver) return;
        if (mayRepeat && !this.#hasHead && isStale(error)) return this.#dispatch(false);
        this.#fail(error);
      },
    };
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#body?.destroy();
    if (this.#hasHead) this.#stream.reset('The server broke off in the middle of its answer.');
    else refuseFor(this.#stream, error);
  }
}

/** Undici has them as one list of names and values, in bytes. */
function pairs(raw: Dispatcher.DispatchController['rawHeaders']): Fields {
  const found: Fields = [];
  if (!Array.isArray(raw)) return found;
  for (let at = 0; at + 1 < raw.length; at += 2) found.push([String(raw[at]), String(raw[at + 1])]);
  return found;
}

const isStale = (error: Error): boolean =>
  'code' in error && (error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET' || error.code === 'EPIPE');
