import type { Refusal } from '../protocol/api/problem.ts';
import { createApp } from './app.ts';
import { begin } from './deno/begin.ts';
import { DoorClient } from './deno/door-client.ts';
import { exchanges, type Exchange } from './deno/exchange.ts';
import { remoteObjects } from './deno/remote-objects.ts';
import { deno, type ServeInfo } from './deno/runtime.ts';
import { join } from './deno/session-socket.ts';
import { parseRemoteSettings } from './deno/settings.ts';
import { foreignHeaders } from './web/platform-headers.ts';
import { problemOf } from './refuse.ts';
import { REQUEST_ID, requestIdOf } from './telemetry/request-id.ts';

/**
 * An edge elsewhere: the same handlers under Deno. The objects are reached over the network, through the door of the edge that has
 * them. `npm run deno` starts it; docs/deploy.md says what for.
 */

/** Longest time in which what is open ends by itself when this is stopped, milliseconds. */
const STOP_MS = 5000;

const NO_UPGRADE: Refusal = { refused: 'upgrade_required', detail: 'The request is not one that opens a WebSocket.' };

function end(sentence: string): never {
  console.error(`cc-docker edge: ${sentence}`);
  return deno.exit(1);
}

const parsed = parseRemoteSettings(deno.env.toObject());
if ('refused' in parsed) end(parsed.refused);
const { remote, edge } = parsed;
const door = new DoorClient(remote.EDGE_OBJECTS_URL, remote.EDGE_SERVICE_TOKEN);
const hello = await begin(door);
if ('refused' in hello) end(hello.refused);

const app = createApp('elsewhere');
const env = { ...edge, ...remoteObjects(door, hello.disk) };

/** The request as the handlers take it: what a platform says of the caller's address, this says, and not the client. */
function named(request: Request, requestId: string, { remoteAddr }: ServeInfo): Request {
  const headers = new Headers(request.headers);
  for (const name of foreignHeaders(request, edge['ADDRESS_HEADER'])) headers.delete(name);
  headers.set('cf-connecting-ip', remoteAddr.hostname);
  headers.set(REQUEST_ID, requestId);
  return new Request(request, { headers });
}

async function serve(request: Request, info: ServeInfo): Promise<Response> {
  const requestId = requestIdOf(request.headers.get(REQUEST_ID));
  const exchange: Exchange = { requestId, signal: request.signal, isAnswered: false, upgraded: null };
  const answer = await exchanges.run(exchange, async () => await app.fetch(named(request, requestId, info), env));
  exchange.isAnswered = true;
  const session = exchange.upgraded;
  if (session === null) return answer;
  try {
    const { socket, response } = deno.upgradeWebSocket(request);
    join(socket, session);
    return response;
  } catch (error) {
    session.terminate();
    if (!(error instanceof TypeError)) throw error;
    return Response.json(problemOf(NO_UPGRADE), {
      status: 426,
      headers: { 'content-type': 'application/problem+json' },
    });
  }
}

const server = deno.serve(
  {
    hostname: remote.HOST,
    port: remote.PORT,
    onListen: ({ hostname, port }) => console.log(`cc-docker edge serves on http://${hostname}:${port}`),
  },
  serve,
);

/** Takes no more requests. Deno closes viewers' sockets (1001: come back); what else is open has some time to end. */
function stop(): void {
  setTimeout(() => deno.exit(0), STOP_MS);
  void server.shutdown().then(() => deno.exit(0));
}
deno.addSignalListener('SIGTERM', stop);
deno.addSignalListener('SIGINT', stop);
