import { assets } from './assets.ts';
import { CALLABLE, type Binding, type HandlerEnv, type HandlerObjects } from '../../durable/rpc/callable.ts';
import type { DoorClient } from './door-client.ts';
import { exchanges } from './exchange.ts';
import { dialSession } from './session-socket.ts';

/** What handlers read of a session's answer. Others, such as `connection`, are of the way here. */
const PASSED = [
  'content-type',
  'content-range',
  'etag',
  'last-modified',
  'x-size',
  'cache-control',
  'x-accel-buffering',
];

/**
 * The handlers' environment: stubs that reach the objects through the door, and the files that are here.
 *
 * @param hasDisk the edge that has the objects says how full its disk is
 */
export function remoteObjects(door: DoorClient, hasDisk: boolean): HandlerEnv {
  const objects = Object.fromEntries(Object.keys(CALLABLE).map((name) => [name, namespaceOf(door, name as Binding)]));
  return {
    ...(objects as unknown as HandlerObjects),
    ASSETS: assets,
    ...(hasDisk && { DISK: { fetch: () => door.fetch('/disk') } as unknown as Fetcher }),
  };
}

/** As much of a `DurableObjectNamespace` as there is need of. An id is the object's name. */
function namespaceOf(door: DoorClient, binding: Binding) {
  const methods = new Map(
    CALLABLE[binding].map((method) => [
      method as string,
      (name: string) =>
        (...args: unknown[]) =>
          door.call(binding, name, method, args),
    ]),
  );
  return {
    idFromName: (name: string) => name,
    get: (name: string) => {
      const calls = Object.fromEntries([...methods].map(([method, of]) => [method, of(name)]));
      const at = `/${binding === 'DIRECTORY' ? 'directories' : 'sessions'}/${encodeURIComponent(name)}`;
      return { ...calls, fetch: (url: string, init?: RequestInit) => fetchOf(door, at, url, init) };
    },
  };
}

/** Fetches something of an object, whose paths at the door begin with `at`. A WebSocket is not in the response but in the exchange, from where the client gets it. */
async function fetchOf(door: DoorClient, at: string, url: string, init: RequestInit = {}): Promise<Response> {
  const { pathname, search } = new URL(url);
  const path = `${at}${pathname}${search}`;
  if (new Headers(init.headers).get('upgrade') !== 'websocket') {
    const { method, body, signal } = init;
    return passedOn(
      await door.fetch(path, { ...(method && { method }), ...(body && { body }), signal: signal ?? null }),
    );
  }
  const dialled = await dialSession(door, path);
  if ('answer' in dialled) return passedOn(dialled.answer);
  const exchange = exchanges.getStore();
  if (exchange === undefined) throw new Error('a WebSocket was opened for nobody');
  exchange.upgraded = dialled.socket;
  // Its headers do not matter: the client gets those of its upgrade.
  return new Response(null);
}

function passedOn(answer: Response): Response {
  const headers = new Headers();
  for (const name of PASSED) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(answer.body, { status: answer.status, headers });
}
