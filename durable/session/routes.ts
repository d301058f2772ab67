import { filesRequest } from '../../protocol/api/files/files.ts';
import { SESSION_NOT_FOUND } from '../../protocol/api/problem.ts';
import { allows } from '../shared/session-status.ts';
import { refusalResponse } from '../shared/refusal-response.ts';
import { EVENT_STREAM_HEADERS } from '../shared/sse/paced-stream.ts';
import { RecentRevocations } from '../shared/tokens/recent-revocations.ts';
import { previewVisit } from '../../protocol/preview/visit.ts';
import type { Revocation } from '../shared/tokens/revocation.ts';
import { streamTokenOf } from '../shared/tokens/stream-token.ts';
import type { SessionAssembly } from './assembly.ts';
import { filesElsewhere } from './container/shared-workspace.ts';
import { terminalRequest } from './terminal/terminals.ts';
import { ViewerSocket } from './viewers/viewer-socket.ts';

/** HTTP requests to a session, for what RPC calls cannot carry: WebSockets, event streams and files. */
export class SessionRoutes {
  readonly #assembly: SessionAssembly;
  readonly #viewerSocket: ViewerSocket;
  readonly #revoked = new RecentRevocations();

  constructor(assembly: SessionAssembly) {
    this.#assembly = assembly;
    const { store, viewers, messages, interactions } = assembly;
    this.#viewerSocket = new ViewerSocket(
      {
        viewers,
        prompt: (input) => assembly.knownLowDisk() ?? messages.prompt(input),
        interrupt: (background) => messages.interrupt(background),
        // Only the session's owner can open a stream.
        resolve: (id, request) => interactions.resolve(store.current.identity.owner, id, request) ?? SESSION_NOT_FOUND,
        answered: (id, address) => assembly.recordAnswer(id, address),
      },
      store.settings,
    );
  }

  /**
   * Handles a request. Only `functions/` sends them. It has authorised these already:
   * `/viewer?after=&plain=&acks=&token=&scopes=&traceparent=`, `/events?after=&previews=&token=`, `/data?epoch=`, `/tunnel?epoch=&stream=`,
   * `/transfer?id=&runner=`, `/terminal?request=`.
   * For these this class checks the owner:
   * `/files?owner=&request=`, with the client's body, and `/artifact?owner=&id=&range=`. For `/preview?visit=`, with the visitor's
   * method, headers and body, it checks the share.
   */
  open(request: Request): Response | Promise<Response> {
    const { transfers, link, tunnel } = this.#assembly;
    const { pathname, searchParams: options } = new URL(request.url);
    if (pathname === '/files') return this.#openFiles(options, request.body);
    if (pathname === '/artifact') return this.#openArtifact(options);
    if (pathname === '/transfer') return transfers.dial(options.get('id') ?? '', options.get('runner') ?? '');
    if (pathname === '/preview') return this.#openPreview(options, request);
    if (pathname === '/terminal') return this.#openTerminal(options);
    if (pathname === '/tunnel') {
      const stream = options.get('stream');
      return tunnel.dial(Number(options.get('epoch')), stream === null ? null : Number(stream));
    }
    if (pathname !== '/data') return this.#openViewer(pathname === '/events', options);
    const { 0: client, 1: server } = new WebSocketPair();
    link.accept(server, Number(options.get('epoch')));
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Ends the streams whose token is revoked. */
  revoked(what: Revocation): void {
    this.#revoked.add(what);
    this.#end(what);
  }

  /** A stream that opens now was let in before its token was revoked, when that has just happened. */
  #endLateRevoked(): void {
    for (const what of this.#revoked.all()) this.#end(what);
  }

  #end(what: Revocation): void {
    const { store, viewers, streams, terminals } = this.#assembly;
    if (store.record === null) return;
    const { owner } = store.record.identity;
    viewers.endRevoked(what, owner);
    streams.endRevoked(what, owner);
    terminals.endRevoked(what, owner);
  }

  /** Lets a viewer in, if there is room for one. */
  async #openViewer(isStream: boolean, options: URLSearchParams): Promise<Response> {
    const { store, viewerSlots } = this.#assembly;
    // The session was deleted after `functions/` checked its owner.
    if (store.record === null) return refusalResponse(SESSION_NOT_FOUND);
    const opened = await viewerSlots.admit(() => ({
      response: isStream ? this.#stream(options) : this.#watch(options),
    }));
    this.#endLateRevoked();
    if (store.record !== null) this.#assembly.viewerCame();
    return 'refused' in opened ? refusalResponse(opened) : opened.response;
  }

  /** Handles a message on one of the session's WebSockets. */
  async receive(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (this.#assembly.link.receive(socket, message)) return;
    await this.#assembly.learnDisk();
    await this.#viewerSocket.receive(socket, message);
  }

  #stream(options: URLSearchParams): Response {
    const stream = this.#assembly.streams.open({
      after: Number(options.get('after') ?? 0),
      previews: options.get('previews') === '1',
      ...streamTokenOf(options),
    });
    return new Response(stream, { headers: EVENT_STREAM_HEADERS });
  }

  #watch(options: URLSearchParams): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const after = options.get('after');
    const traceparent = options.get('traceparent');
    this.#assembly.viewers.attach(server, {
      after: after === null ? null : Number(after),
      plain: options.get('plain') === '1',
      acknowledges: options.get('acks') === '1',
      ...streamTokenOf(options),
      scopes: options.get('scopes') ?? '',
      ...(traceparent !== null && { traceparent }),
    });
    return new Response(null, { status: 101, webSocket: client });
  }

  #openTerminal(options: URLSearchParams): Response {
    const opened = this.#assembly.terminals.open(terminalRequest.parse(JSON.parse(options.get('request') ?? '')));
    this.#endLateRevoked();
    return 'refused' in opened ? refusalResponse(opened) : new Response(null, { status: 101, webSocket: opened });
  }

  #openFiles(options: URLSearchParams, body: ReadableStream<Uint8Array> | null): Response | Promise<Response> {
    const record = this.#assembly.store.ownedBy(options.get('owner') ?? '');
    if (!record || !allows(record.state.status, 'files')) return refusalResponse(SESSION_NOT_FOUND);
    const elsewhere = filesElsewhere(record.identity);
    if (elsewhere !== null) return refusalResponse(elsewhere);
    return this.#assembly.transfers.open(filesRequest.parse(JSON.parse(options.get('request') ?? '')), body);
  }

  #openPreview(options: URLSearchParams, request: Request): Promise<Response> {
    return this.#assembly.previews.open(previewVisit.parse(JSON.parse(options.get('visit') ?? '')), request);
  }

  #openArtifact(options: URLSearchParams): Response | Promise<Response> {
    const { store, artifacts } = this.#assembly;
    if (!store.ownedBy(options.get('owner') ?? '')) return refusalResponse(SESSION_NOT_FOUND);
    return artifacts.open(options.get('id') ?? '', options.get('range'));
  }
}
