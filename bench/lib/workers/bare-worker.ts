import { DurableObject } from 'cloudflare:workers';

/** The least that can be between runners and viewers: what comes on an object's data socket goes to who watches it. */
export class BareSession extends DurableObject {
  override fetch(request: Request): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [new URL(request.url).pathname.slice(1)]);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(_socket: WebSocket, message: string): void {
    for (const viewer of this.ctx.getWebSockets('viewer')) viewer.send(message);
  }
}

interface Env {
  readonly SESSION: DurableObjectNamespace<BareSession>;
}

export default {
  fetch: (request: Request, { SESSION }: Env) =>
    SESSION.get(SESSION.idFromName(new URL(request.url).searchParams.get('id') ?? '')).fetch(request),
};
