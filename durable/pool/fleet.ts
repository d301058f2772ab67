import type { Refusal } from '../../protocol/api/problem.ts';
import type { NameOf } from '../../protocol/metrics/catalogue.ts';
import { FIRST_PROTOCOL } from '../../protocol/link/protocol-version.ts';
import type { RunnerOfPool } from '../rpc/pool-rpc.ts';
import { restsUntil } from './core/resting.ts';
import type { RunnerLoad } from './core/placement.ts';
import type { PoolDependencies } from './dependencies.ts';
import type { PlacementQueue } from './placement-queue.ts';
import type { RunnerKeys } from './tables/runner-keys.ts';
import type { RunnerRow } from './tables/runners-table.ts';

/** The runners as an operator sees them, and what the operator has them do. */
export class Fleet {
  readonly #deps: PoolDependencies;
  readonly #keys: RunnerKeys;
  readonly #queue: PlacementQueue;

  constructor(deps: PoolDependencies, keys: RunnerKeys, queue: PlacementQueue) {
    this.#deps = deps;
    this.#keys = keys;
    this.#queue = queue;
  }

  /** Every runner that has enrolled, or is connected, by name. */
  list(now: number): RunnerOfPool[] {
    const { runners } = this.#deps;
    const names = new Set([...runners.every().map(({ name }) => name), ...this.#keys.names()]);
    const loads = new Map(this.#queue.loads(now).map((load) => [load.name, load]));
    return [...names].toSorted().map((name) => this.#view(name, runners.last(name), loads.get(name), now));
  }

  /** Null: there is no such runner. */
  one(name: string, now: number): RunnerOfPool | null {
    return this.list(now).find((runner) => runner.name === name) ?? null;
  }

  /** The runner takes no sessions from now on. */
  async cordon(name: string, now: number): Promise<RunnerOfPool | Refusal> {
    if (this.one(name, now) === null) return notFound(name);
    this.#deps.cordons.set(name, false, now);
    return await this.#changed(name, now);
  }

  /** The same, and its sessions leave: those that are idle at once, the others when their turn has ended. */
  async drain(name: string, now: number): Promise<RunnerOfPool | Refusal> {
    const runner = this.one(name, now);
    if (runner === null) return notFound(name);
    if (runner.state !== 'away' && (runner.protocol ?? FIRST_PROTOCOL) < DRAINS) return tooOld(runner);
    this.#deps.cordons.set(name, true, now);
    this.#deps.sockets.send(name, { kind: 'drain', on: true });
    return await this.#changed(name, now);
  }

  async uncordon(name: string, now: number): Promise<RunnerOfPool | Refusal> {
    if (this.one(name, now) === null) return notFound(name);
    const drained = this.#deps.cordons.of(name)?.drain === true;
    this.#deps.cordons.remove(name);
    if (drained) this.#deps.sockets.send(name, { kind: 'drain', on: false });
    return await this.#changed(name, now);
  }

  async #changed(name: string, now: number): Promise<RunnerOfPool | Refusal> {
    // Sessions that wait have another reason now, or a place.
    await this.#queue.fill();
    return this.one(name, now) ?? notFound(name);
  }

  #view(name: string, row: RunnerRow | null, load: RunnerLoad | undefined, now: number): RunnerOfPool {
    const { sockets, cordons, places, metrics } = this.#deps;
    const running = places.byRunner.count(name);
    const cordon = cordons.of(name);
    const socket = sockets.of(name);
    const drains = row?.draining === true || cordon?.drain === true;
    const state = socket === null ? 'away' : drains ? 'draining' : cordon === null ? 'connected' : 'cordoned';
    const seen = socket === null ? (row?.away_since ?? null) : (sockets.heard(socket) ?? now);
    const capacity = row?.capacity ?? 0;
    return {
      name,
      state,
      cordoned: cordon !== null,
      cordoned_at: cordon === null ? null : new Date(cordon.since).toISOString(),
      version: row?.version ?? null,
      protocol: row === null ? null : (row.protocol ?? FIRST_PROTOCOL),
      backend: row?.backend ?? null,
      environments: row === null ? null : row.environments === true,
      labels: { ...row?.labels },
      capacity,
      running,
      free: state === 'connected' ? Math.max(0, capacity - running) : 0,
      spares: socket === null ? null : (metrics.of(name, SPARES) ?? null),
      resources: resourcesOf(load),
      rests_until: restsUntilText(row, now),
      kept_for: this.#queue.kept?.runner === name ? this.#queue.kept.session_id : null,
      health: row?.health ?? null,
      storage: row === null ? null : { id: row.storage.id, kind: row.storage.kind, ...row.storage.health },
      disk: row?.disk ?? null,
      unknown_frames: row?.unknown ?? 0,
      last_seen: seen === null ? null : new Date(seen).toISOString(),
    };
  }
}

const shown = ({ cpus, memoryMb }: RunnerLoad['used']) => ({
  cpus: Math.round(cpus * 100) / 100,
  memory_mb: Math.round(memoryMb),
});

function resourcesOf(load: RunnerLoad | undefined): RunnerOfPool['resources'] {
  if (load === undefined || load.machine === null) return null;
  const { machine, used } = load;
  return { total: shown(machine.total), used: shown(used) };
}

function restsUntilText(row: RunnerRow | null, now: number): string | null {
  const until = restsUntil(row?.losses ?? [], now);
  return until === null ? null : new Date(until).toISOString();
}

const SPARES: NameOf<'gauge'> = 'cc_docker_runner_spares';

/** The protocol from which on a runner understands `drain`. */
const DRAINS = 2;

const notFound = (name: string): Refusal => ({
  refused: 'runner_not_found',
  detail: `No runner named "${name}" has enrolled in this pool.`,
});

const tooOld = ({ name, version }: RunnerOfPool): Refusal => ({
  refused: 'runner_outdated',
  detail: `The runner "${name}" (version ${version ?? 'unknown'}) cannot be told to drain. Cordon it, and end its process with SIGTERM when nothing runs on it; or upgrade it.`,
});
