import { DurableObject } from 'cloudflare:workers';
import { Tunnel } from '../../../../durable/session/tunnel/tunnel.ts';

/**
 * A Worker with one object that has a tunnel, and nothing else of a session: `/PORT/path` goes to that port of the container,
 * `/ask` is told when a tunnel is wanted, `/tunnel` is what the runner dials, `/raw` echoes through a raw stream.
 */
export class Session extends DurableObject {
  #asked: WebSocket | null = null;
  readonly #tunnel = new Tunnel({
    epoch: () => 1,
    ask: () => {
      if (this.#asked?.readyState !== WebSocket.OPEN) return 'not_connected';
      this.#asked.send('tunnel');
      return 'asked';
    },
  });

  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === '/tunnel') {
      const stream = url.searchParams.get('stream');
      return await this.#tunnel.dial(1, stream === null ? null : Number(stream));
    }
    if (url.pathname === '/ask') {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      this.#asked = server;
      return new Response(null, { status: 101, webSocket: client });
    }
    if (url.pathname === '/raw') return await this.#raw(url.searchParams.get('kind') ?? '', request);
    const [, port, path] = /^\/(\d+)(\/.*)?$/.exec(url.pathname) ?? [];
    if (port === undefined) return new Response('no such path', { status: 404 });
    const target = `${path ?? '/'}${url.search}`;
    const headers = [...request.headers];
    const isWebSocket = request.headers.get('upgrade') === 'websocket';
    const protocols = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/);
    const answer = isWebSocket
      ? await this.#tunnel.webSocket(Number(port), {
          path: target,
          headers,
          signal: request.signal,
          ...(protocols && { protocols }),
        })
      : await this.#tunnel.http(Number(port), {
          method: request.method,
          path: target,
          headers,
          body: request.body,
          signal: request.signal,
        });
    return answer instanceof Response ? answer : Response.json(answer, { status: 502 });
  }

  async #raw(kind: string, request: Request): Promise<Response> {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const stream = await this.#tunnel.raw(
      { kind },
      {
        bytes: (bytes, taken) => void writer.write(bytes).then(taken),
        end: () => void writer.close(),
        broken: (detail) => void writer.abort(new Error(detail)),
      },
    );
    if ('refused' in stream) return Response.json(stream, { status: 502 });
    for await (const part of request.body ?? []) await stream.write(part);
    stream.end();
    return new Response(readable);
  }
}

interface Env {
  readonly SESSION: DurableObjectNamespace;
}

export default {
  fetch: (request: Request, env: Env) =>
    env.SESSION.get(env.SESSION.idFromName('only')).fetch(new Request(request, { redirect: 'manual' })),
};
