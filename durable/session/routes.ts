import { filesRequest } from '../../protocol/api/files.ts';
import { ALLOWED } from './core/state.ts';
import { GONE } from './store/store.ts';
import type { SessionParts } from './assembly.ts';
import { filesElsewhere } from './container/shared-workspace.ts';
import { refusalResponse } from './files/transfer-answer.ts';
import { ViewerSocket } from './viewers/viewer-socket.ts';

/** What comes to a session as a request, and not as a call: sockets, streams of events, and files. */
export class SessionDoor {
  readonly #parts: SessionParts;
  readonly #viewerSocket: ViewerSocket;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { core, viewers, messages, people } = parts;
    this.#viewerSocket = new ViewerSocket({
      viewers,
      prompt: (input) => messages.prompt(input),
      interrupt: () => messages.interrupt(),
      // Only its owner can open a stream.
      resolve: (id, request) => people.resolve(core.current.identity.owner, id, request) ?? GONE,
    });
  }

  /**
   * Reached from `functions/` alone, which has checked whose session it is:
   * `/viewer?after=&plain=&acks=`, `/events?after=`, `/data?epoch=`, `/transfer?id=&runner=`; or checks it itself:
   * `/files?owner=&request=`, with the client's body, and `/artifact?owner=&id=&range=`.
   */
  open(request: Request): Response | Promise<Response> {
    const { core, transfers, streams, link } = this.#parts;
    const { pathname, searchParams: options } = new URL(request.url);
    if (pathname === '/files') return this.#openFiles(options, request.body);
    if (pathname === '/artifact') return this.#openArtifact(options);
    if (pathname === '/transfer') return transfers.dial(options.get('id') ?? '', options.get('runner') ?? '');
    // Deleted since its owner was let through.
    if (core.record === null && pathname !== '/data') return refusalResponse(GONE);
    if (pathname === '/events') {
      const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      return new Response(streams.open(Number(options.get('after') ?? 0)), { headers });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    if (pathname === '/data') link.accept(server, Number(options.get('epoch')));
    else this.#attach(server, options);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** A message came on one of its sockets. */
  receive(socket: WebSocket, message: string | ArrayBuffer): void {
    if (!this.#parts.link.receive(socket, message)) this.#viewerSocket.receive(socket, message);
  }

  #attach(server: WebSocket, options: URLSearchParams): void {
    const after = options.get('after');
    this.#parts.viewers.attach(server, {
      after: after === null ? null : Number(after),
      plain: options.get('plain') === '1',
      acknowledges: options.get('acks') === '1',
    });
  }

  #openFiles(options: URLSearchParams, body: ReadableStream<Uint8Array> | null): Response | Promise<Response> {
    const record = this.#parts.core.ownedBy(options.get('owner') ?? '');
    if (!record || !ALLOWED[record.state.status].has('files')) return refusalResponse(GONE);
    const elsewhere = filesElsewhere(record.identity);
    if (elsewhere !== null) return refusalResponse(elsewhere);
    return this.#parts.transfers.open(filesRequest.parse(JSON.parse(options.get('request') ?? '')), body);
  }

  #openArtifact(options: URLSearchParams): Response | Promise<Response> {
    const { core, artifacts } = this.#parts;
    if (!core.ownedBy(options.get('owner') ?? '')) return refusalResponse(GONE);
    return artifacts.open(options.get('id') ?? '', options.get('range'));
  }
}
