import type { Reason } from '../../protocol/reason.ts';
import type { SessionFiles } from '../../protocol/api/files.ts';
import { isolates, type Launch, type PlacementKey } from '../../protocol/link/runner-control.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { observe, sendTelemetry } from '../rpc/telemetry/counts.ts';
import { place, type Needs, type Placement, type Requirements, type RunnerLoad } from './core/placement.ts';
import type { Cordons } from './cordons.ts';
import type { PoolTable } from './pool-table.ts';
import type { RunnerMetricsTable } from './runner-metrics-table.ts';
import type { RunnerSockets } from './runner-sockets.ts';

export interface PoolDependencies {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly env: EdgeEnv;
  readonly table: PoolTable;
  readonly sockets: RunnerSockets;
  readonly metrics: RunnerMetricsTable;
  readonly cordons: Cordons;
  /** Runners that isolate sessions and runners that do not may be in this pool together. */
  readonly mixesIsolation: boolean;
}

/** Sessions that wait for a place for their container, and those that have one. */
export class PlacementQueue {
  readonly #deps: PoolDependencies;
  /** Launches whose sessions know that others wait for a place. Not stored: to be told twice does no harm. */
  readonly #crowded = new Set<string>();
  /**
   * Since when launches wait, epoch milliseconds: for `GET /metrics`. Not stored: a wait across a restart of this object is not
   * measured.
   */
  readonly #since = new Map<string, number>();

  constructor(deps: PoolDependencies) {
    this.#deps = deps;
  }

  /** Queues a launch and tries to place it. The same (session, epoch) twice is one: it keeps its turn. */
  async request(launch: Launch, needs: Needs): Promise<Placement> {
    const { ctx, table } = this.#deps;
    const { session_id, epoch } = launch;
    const known = table.place(session_id);
    if (known === null || known.epoch !== epoch) {
      table.addPlace(launch, needs);
      this.#since.set(keyOf(launch), Date.now());
    } else if (known.runner === null) {
      // Its files may be elsewhere by now.
      table.setNeeds(launch, needs);
    }
    const found = place(this.loads(), needs, requirementsOf(launch));
    if (!found.placed && (known?.runner ?? null) === null) {
      // One more that waits changes nothing for those that have waited before, however many they are.
      table.setKnownReason(session_id, found.reason.detail);
      if (found.reason.code === 'pool_full') ctx.waitUntil(this.#sendCrowded(true));
      return found;
    }
    await this.fill(session_id);
    const runner = table.place(session_id)?.runner ?? null;
    if (runner !== null) return { placed: true, runner };
    return place(this.loads(), needs, requirementsOf(launch));
  }

  /** Gives places to the sessions that wait, the longest first. `asking` gets its answer from its own call. */
  async fill(asking?: string): Promise<void> {
    const { ctx, env, table, sockets } = this.#deps;
    const calls: Promise<void>[] = [];
    let isCrowded = false;
    // Nothing is awaited below, so only the places that are given here change it.
    let loads = this.loads();
    for (const waiting of table.places()) {
      if (waiting.phase !== 'waiting') continue;
      const { session_id, epoch, needs } = waiting;
      const found = place(loads, needs, requirementsOf(waiting.launch));
      isCrowded ||= !found.placed && found.reason.code === 'pool_full';
      if (found.placed) {
        const { runner } = found;
        const local = localOn(runner, needs, waiting.launch.files.local);
        const launch = { ...waiting.launch, files: { ...waiting.launch.files, local } };
        table.assign(launch, runner);
        this.#waited(launch);
        loads = loads.map((one) => (one.name === runner ? { ...one, running: one.running + 1 } : one));
        sockets.send(runner, { kind: 'launch', launch });
        if (session_id !== asking) calls.push(sessionStub(env, session_id).placed(epoch, runner));
      } else if (waiting.known_reason !== found.reason.detail) {
        table.setKnownReason(session_id, found.reason.detail);
        if (session_id !== asking) calls.push(sessionStub(env, session_id).waiting(epoch, found.reason));
      }
    }
    await Promise.all(calls);
    ctx.waitUntil(this.#sendCrowded(isCrowded));
  }

  /** A launch has its place. */
  #waited(launch: Launch): void {
    const since = this.#since.get(keyOf(launch));
    if (since === undefined) return;
    this.#since.delete(keyOf(launch));
    observe('cc_docker_place_wait_seconds', {}, (Date.now() - since) / 1000);
    sendTelemetry(this.#deps.env, (sending) => this.#deps.ctx.waitUntil(sending));
  }

  /** A container has ended, and its place is free. */
  async end(sessionId: string, epoch: number, reason: Reason, runner: string): Promise<void> {
    // The session first, then the table: a crash in between repeats the call, which then changes nothing.
    await sessionStub(this.#deps.env, sessionId).ended(epoch, reason, runner);
    this.#deps.table.removePlace(sessionId, epoch);
  }

  /** Tells the sessions that have a container on a runner whether that runner is being drained, so that they leave it. */
  async sendDraining(runner: string, draining: boolean): Promise<void> {
    const concerned = this.#deps.table.places().filter((one) => one.runner === runner && one.phase !== 'stopping');
    const calls = concerned.map(({ session_id, epoch }) =>
      sessionStub(this.#deps.env, session_id).draining(epoch, draining),
    );
    for (const call of await Promise.allSettled(calls)) {
      // It then stays until its runner ends its container.
      if (call.status === 'rejected')
        console.warn(`pool: a session could not be told that its runner is drained: ${String(call.reason)}`);
    }
  }

  /** The runners with their load. */
  loads(): RunnerLoad[] {
    const { table, sockets, cordons } = this.#deps;
    const running = table.running();
    const cordoned = new Set(cordons.all().map(({ name }) => name));
    return table.runners().map(({ name, backend, capacity, draining, health, storage, disk, labels = {} }) => ({
      name,
      isolates: isolates(backend),
      connected: sockets.of(name) !== null,
      draining,
      cordoned: cordoned.has(name),
      labels,
      capacity,
      running: running.get(name) ?? 0,
      trouble: health.ok ? null : health.detail,
      storage: { id: storage.id, ok: storage.health.ok },
      lowDiskMb: disk?.low === true ? disk.free_mb : null,
    }));
  }

  /** Tells sessions that have a place whether others wait for one. An idle session then makes room. */
  async #sendCrowded(isCrowded: boolean): Promise<void> {
    const placed = this.#deps.table.placed();
    const keys = new Set(placed.map(keyOf));
    for (const key of this.#crowded) if (!keys.has(key)) this.#crowded.delete(key);
    const concerned = placed.filter((one) => this.#crowded.has(keyOf(one)) !== isCrowded);
    for (const one of concerned) {
      if (isCrowded) this.#crowded.add(keyOf(one));
      else this.#crowded.delete(keyOf(one));
    }
    const calls = concerned.map(({ session_id, epoch }) =>
      sessionStub(this.#deps.env, session_id).crowded(epoch, isCrowded),
    );
    for (const call of await Promise.allSettled(calls)) {
      // The session then makes room after its own idle time.
      if (call.status === 'rejected')
        console.warn(`pool: a session could not be told that others wait: ${String(call.reason)}`);
    }
  }
}

const requirementsOf = ({ config, labels }: Launch): Requirements => ({
  isolation: config.isolation === 'container',
  labels,
});

const keyOf = ({ session_id, epoch }: PlacementKey) => `${session_id}/${epoch}`;

/** What a runner's own copy of the files is worth, given what it is worth on the runner that `needs` prefers. */
export function localOn(runner: string, needs: Needs, local: SessionFiles['local']): SessionFiles['local'] {
  return needs.on === 'storage' && needs.prefer !== runner ? 'stale' : local;
}
