import type { Refusal } from '../../../protocol/api/problem.ts';
import { isSame } from '../../../protocol/preview/key.ts';
import { decodeLabel } from '../../../protocol/preview/label.ts';
import { PAGE_HEADER, type PreviewPage, type PreviewVisit } from '../../../protocol/preview/visit.ts';
import { count } from '../../rpc/telemetry/counts.ts';
import { obstacleOf, wakesForVisitor } from '../core/state.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import type { TunnelRefusal } from '../tunnel/refusal.ts';
import type { Tunnel } from '../tunnel/tunnel.ts';
import { asSent } from './as-sent.ts';

/** How long after its container's launch a page for a port where nothing listens looks again by itself, milliseconds. */
const AWAITED_MS = 120_000;
/** Idle time begins anew at most so often, milliseconds: each time is a write. */
const ATTENDED_MS = 15_000;

const page = (is: PreviewPage['page'], detail: string, again_seconds: number | null = null): PreviewPage => ({
  page: is,
  detail,
  again_seconds,
  listening: [],
});

const ENDED = page('ended', 'This preview has ended: its time is over, or it was removed.');
const STARTING = page('starting', 'The session’s container starts. This page looks again by itself.', 1);
const ENDING = page('starting', 'The session’s container just ends. This page looks again by itself.', 1);
const PARKED = page('parked', 'The session is parked. Opening this page in a browser wakes it.');
const STOPPED = page('parked', 'Its owner has stopped the session. A message to it starts it again.');
const PAUSED = page('parked', 'The session is paused: what it may use is used up for now.');
const FAILED = page('failed', 'The session’s container did not start. The session’s events say why.');
const NO_ROOM = page('busy', 'The service takes no new work at the moment, so the parked session is not woken.');

type PortTunnel = Pick<Tunnel, 'http' | 'webSocket' | 'open'>;

/** Answers people who look at a shared port: with what its server says, or with why it says nothing. */
export class Previews {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #tunnel: PortTunnel;

  constructor(parts: { readonly store: SessionStore; readonly peers: Peers; readonly tunnel: PortTunnel }) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#tunnel = parts.tunnel;
  }

  /** @param request with the visitor's method, headers and body, as the port may see them */
  async open({ label, host, target, wakes }: PreviewVisit, request: Request): Promise<Response> {
    const port = this.#sharedPort(label);
    if (port === null) return answered(ENDED);
    const away = await this.#attend(wakes);
    if (away !== null) return answered(away);
    const isSocket = request.headers.get('upgrade')?.toLowerCase() === 'websocket';
    const tooMany = this.#excess(port, isSocket);
    if (tooMany !== null) return answered(tooMany);
    const headers: [string, string][] = [...request.headers].filter(([name]) => name !== 'host');
    headers.push(['host', host]);
    const { method, body, signal } = request;
    const answer = isSocket
      ? await this.#tunnel.webSocket(port, { path: target, headers, protocols: protocolsOf(request), signal })
      : await this.#tunnel.http(port, { method, path: target, headers, body, signal });
    return answer instanceof Response ? asSent(answer) : answered(this.#unreached(port, answer));
  }

  /** The port whose share the label names, by its secret; null: it is not shared. */
  #sharedPort(label: string): number | null {
    const named = decodeLabel(label);
    if (named === null || named.session_id !== this.#store.record?.identity.session_id) return null;
    const share = this.#store.ports.get(named.port, Date.now());
    return share !== null && isSame(share.secret, named.secret) ? share.port : null;
  }

  /** Keeps the container for whoever looks, or has it started. @returns why there is none; null: there is one */
  async #attend(wakes: boolean): Promise<PreviewPage | null> {
    const now = Date.now();
    const { state } = this.#store.current;
    if (state.container === 'ready') {
      const isDue = state.status === 'idle' && now >= state.since + ATTENDED_MS;
      if (isDue) this.#store.change((tx) => tx.input({ on: 'attended' }));
      return null;
    }
    if (wakes && wakesForVisitor(state, now)) {
      if ((await this.#peers.lowDisk()) !== null) return NO_ROOM;
      this.#store.changeIfPresent((tx) => tx.input({ on: 'attended' }));
    }
    return this.#away();
  }

  #away(): PreviewPage {
    const { record } = this.#store;
    if (record === null) return ENDED;
    const { state } = record;
    if (state.container === 'ending') return ENDING;
    if (obstacleOf(state) !== null && state.container === 'none') return PAUSED;
    if (state.status === 'failed') return FAILED;
    if (state.status !== 'stopped') return STARTING;
    return state.reason?.code === 'stopped_by_user' ? STOPPED : PARKED;
  }

  /** Why no more may be open at once; null: it may. */
  #excess(port: number, isSocket: boolean): PreviewPage | null {
    const { MAX_PORT_REQUESTS_PER_SESSION: most, MAX_SOCKETS_PER_PORT: sockets } = this.#store.settings;
    if (most > 0 && this.#tunnel.open().all >= most)
      return busy(`${most} requests to this session’s ports run, as many as may (MAX_PORT_REQUESTS_PER_SESSION).`);
    if (isSocket && sockets > 0 && this.#tunnel.open(port).sockets >= sockets)
      return busy(`${sockets} WebSockets of this port are open, as many as may be (MAX_SOCKETS_PER_PORT).`);
    return null;
  }

  #unreached(port: number, { refused, detail }: TunnelRefusal): PreviewPage {
    if (refused === 'not_connected') return STARTING;
    if (refused === 'too_many_streams') return page('busy', detail, 1);
    if (refused !== 'port_closed') return page('broken', detail);
    const again_seconds = Date.now() < this.#store.current.state.launched_at + AWAITED_MS ? 2 : null;
    const listening = this.#store.ports.listening().map((each) => each.port);
    return {
      ...page('closed', `Nothing listens on port ${port} of the session’s container.`, again_seconds),
      listening,
    };
  }
}

function busy(detail: string): PreviewPage {
  count('cc_docker_refusals_total', { code: 'port_busy' satisfies Refusal['refused'] });
  return page('busy', detail, 1);
}

/** The subprotocols that a browser offers. */
const protocolsOf = ({ headers }: Request): string[] =>
  (headers.get('sec-websocket-protocol') ?? '').split(',').flatMap((name) => name.trim() || []);

function answered(said: PreviewPage): Response {
  return Response.json(said, { headers: { [PAGE_HEADER]: said.page } });
}
