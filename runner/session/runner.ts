import { setTimeout as pause } from 'node:timers/promises';
import type { BackendHealth, Launch, PlacementKey, PoolFrame } from '../../protocol/link/runner-control.ts';
import { HEARTBEAT_MS } from '../../protocol/link/runner-control.ts';
import type { BackoffRange } from '../lib/backoff.ts';
import type { ContainerBackend } from '../backend/backend.ts';
import { EarlierRun } from './adoption.ts';
import { FilesOrders } from '../session-files/pool-requests.ts';
import { FilesRegistry } from '../session-files/registry.ts';
import { ControlConnection } from '../link/control-connection.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { WAKE_PARENT } from './container/end-reason.ts';
import type { Log } from '../lib/log.ts';
import type { ModelHandler } from '../model/exchange.ts';
import type { ModelUpstream } from '../model/upstream.ts';
import { effectiveResources } from './container/resources.ts';
import type { EgressSurroundings } from './container/session-egress.ts';
import { placementName } from '../lib/placement-name.ts';
import { SessionHost, STOP_GRACE_MS, type HostSurroundings } from './container/container-run.ts';
import { containerFolders, type Placement } from '../lib/session-folders.ts';
import type { Settings } from './settings.ts';
import { SharedWorkspaces } from './shared-workspaces.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';
import { socketAliases } from '../link/socket-alias.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { SweepLoop } from '../session-files/sweep-loop.ts';

export interface RunnerOptions {
  settings: Pick<Settings, 'edgeUrl' | 'runnerToken' | 'capacity' | 'labels' | 'claudeEnv' | 'limits' | 'files'>;
  backend: ContainerBackend;
  data: DataFolder;
  store: Pick<ObjectStore, 'id' | 'kind' | 'health' | 'close'>;
  snapshots: Pick<
    Snapshots,
    'save' | 'restore' | 'share' | 'artifact' | 'entries' | 'content' | 'drop' | 'owners' | 'trees' | 'sweep' | 'close'
  >;
  upstream: ModelUpstream;
  /** Makes what answers one session's model requests. */
  newModelHandler: () => ModelHandler;
  egress: EgressSurroundings;
  /** CC-Docker's version. */
  version: string;
  log: Log;
  /** Between two looks at the backend, milliseconds. */
  healthMs?: number;
  backoff?: BackoffRange;
  heartbeatMs?: number;
  /** Between two tries of a snapshot that the storage did not take. */
  snapshotBackoff?: BackoffRange;
  /** From a write to a parked session's files until it is saved, milliseconds. */
  writtenMs?: number;
}

/** Longest time that a drain waits for the edge, milliseconds: more than a container's own time to end. */
const DRAIN_MS = STOP_GRACE_MS + 2_500;
/** Longest time that containers have to be gone once they are killed, milliseconds. */
const KILL_MS = 2_000;

/** Snapshots that are taken at once: each reads, compresses and sends. */
const SAVES_AT_ONCE = 2;

/** The agent on the Docker host: does what its pool asks, and keeps it told. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #surroundings: HostSurroundings;
  readonly #hosts = new Map<string, SessionHost>();
  readonly #shared = new SharedWorkspaces(() => this.#hosts.values());
  readonly #files: FilesRegistry;
  readonly #orders: FilesOrders;
  readonly #sweep: SweepLoop;
  readonly #earlier: EarlierRun;
  readonly #removing = new Set<string>();
  /** Removals of ended containers that are under way. */
  readonly #forgetting = new Set<Promise<void>>();
  #health: BackendHealth = { ok: false, detail: 'The backend was not asked yet.' };
  #storageHealth: BackendHealth = { ok: false, detail: 'The storage was not asked yet.' };
  /** The storage's id as the pool was told it. */
  #saidStorage = '';
  #healthTimer: NodeJS.Timeout | undefined;
  #looking = false;
  #control: ControlConnection | undefined;
  #draining = false;

  private constructor(options: RunnerOptions) {
    this.#options = options;
    const { backend, upstream, newModelHandler, egress, log, settings, data, store, snapshots } = options;
    this.#surroundings = {
      backend,
      upstream,
      newModelHandler,
      egress,
      log,
      aliases: socketAliases(),
      edgeUrl: settings.edgeUrl,
      claudeEnv: settings.claudeEnv,
    };
    this.#files = new FilesRegistry(data.sessions, {
      snapshots,
      semaphore: new Semaphore(SAVES_AT_ONCE),
      storage: () => store.id,
      certain: () => this.#earlier.isKnown,
      report: (sessionId, report) => this.#control?.reportSnapshot(sessionId, report),
      news: (session_id, report) => this.#control?.send({ kind: 'snapshot', session_id, report }) ?? false,
      owner: backend.owner,
      everyMs: settings.files.snapshotEveryMinutes * 60_000,
      log,
      ...(options.snapshotBackoff && { backoff: options.snapshotBackoff }),
      ...(options.writtenMs !== undefined && { writtenMs: options.writtenMs }),
    });
    this.#orders = new FilesOrders({
      registry: this.#files,
      snapshots,
      edgeUrl: settings.edgeUrl,
      token: settings.runnerToken,
      owner: backend.owner,
      limitMb: backend.sealed ? settings.limits.workspaceMb : null,
      storage: () => store.id,
      control: () => this.#control,
      log,
    });
    this.#sweep = new SweepLoop({
      snapshots,
      everyMs: settings.files.sweepHours * 3_600_000,
      ask: (frame) => this.#control?.send(frame) ?? false,
      unacknowledged: () => this.#files.unacknowledged(),
      also: () => this.#files.tidy(settings.files.localCopyDays),
      log,
    });
    this.#earlier = new EarlierRun({
      backend,
      sessions: data.sessions,
      files: this.#files,
      localCopyDays: settings.files.localCopyDays,
      hosts: this.#hosts,
      shared: this.#shared,
      goOn: (key, placement) => this.#host(placement, key, undefined, Promise.resolve()),
      ended: (key, reason) => this.#control?.reportEnded(key, reason),
      forget: (key) => this.#forget(key),
      log,
    });
  }

  /** Takes up what an earlier runner process left, then dials the edge. The engine may be down: that is then reported. */
  static async start(options: RunnerOptions): Promise<Runner> {
    const runner = new Runner(options);
    [runner.#health, runner.#storageHealth] = await Promise.all([options.backend.health(), options.store.health()]);
    if (!runner.#health.ok) options.log.warn('backend not ready', { detail: runner.#health.detail });
    runner.#control = new ControlConnection({
      edgeUrl: options.settings.edgeUrl,
      token: options.settings.runnerToken,
      log: options.log,
      hello: () => runner.#hello(),
      onFrame: (frame) => runner.#take(frame),
      onEndedAck: (key) => void runner.#forget(key),
      onSnapshotAck: (sessionId, snapshotId) => void runner.#orders.acknowledged(sessionId, snapshotId),
      ...(options.backoff && { backoff: options.backoff }),
      ...(options.heartbeatMs && { heartbeatMs: options.heartbeatMs }),
    });
    // Before the first `hello`, which names them.
    await runner.#earlier.takeUp();
    runner.#control.open();
    runner.#healthTimer = setInterval(() => runner.#lookAtHealth(), options.healthMs ?? 1.5 * HEARTBEAT_MS);
    return runner;
  }

  /** Takes nothing new, ends everything, and returns when the pool knows, or `DRAIN_MS` have passed. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#control?.send({ kind: 'draining' });
    const hosts = [...this.#hosts.values()];
    for (const host of hosts) host.stop('runner_draining', STOP_GRACE_MS);
    const patience = new AbortController();
    const told = Promise.all(hosts.map((host) => host.ended))
      // So that the sessions can wake elsewhere. What the storage does not take stays owed.
      .then(() => this.#files.settled())
      .then(() => this.#control?.allAcked());
    const late = pause(DRAIN_MS, 'late', { signal: patience.signal }).catch(() => undefined);
    if ((await Promise.race([told, late])) === 'late')
      this.#options.log.warn('the edge did not hear of every end in time');
    patience.abort();
    await this.kill();
  }

  /** Ends everything at once and leaves nothing behind, if the engine answers within `KILL_MS`. */
  async kill(): Promise<void> {
    this.#draining = true;
    const { backend, log } = this.#options;
    const end = async (host: SessionHost): Promise<void> => {
      host.stop('runner_draining', 0);
      await host.released;
      await backend.remove(host.key);
    };
    const gone = Promise.allSettled([...[...this.#hosts.values()].map(end), ...this.#forgetting]);
    const patience = new AbortController();
    const late = pause(KILL_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    const results = await Promise.race([gone, late]);
    patience.abort();
    // What is left is found by the next runner process of this data folder.
    if (results === undefined) log.error('the engine did not end every container in time');
    for (const result of results ?? [])
      if (result.status === 'rejected') log.error('container not removed', { error: result.reason });
    await this.detach();
  }

  /** Lets go of everything as it is; containers run on for the next runner process. */
  async detach(): Promise<void> {
    clearInterval(this.#healthTimer);
    // First, so that nothing that follows is taken for the end of a container.
    await this.#control?.close();
    await Promise.all([...this.#hosts.values()].map((host) => host.detach()));
    // What is being saved is told first that it is given up, and then that nothing is waited for.
    await Promise.all([this.#files.close(), this.#options.snapshots.close(), this.#sweep.close()]);
    this.#options.store.close();
    this.#options.backend.close();
    await this.#surroundings.aliases.close();
    this.#options.data.release();
  }

  #hello() {
    const { settings, version, backend, store } = this.#options;
    this.#saidStorage = store.id;
    return {
      kind: 'hello' as const,
      version,
      backend: backend.name,
      health: this.#health,
      capacity: this.#draining ? 0 : settings.capacity,
      labels: settings.labels,
      storage: { id: store.id, kind: store.kind, health: this.#storageHealth },
      running: [...this.#hosts.values()].map((host) => host.key),
    };
  }

  #take(frame: PoolFrame): void {
    switch (frame.kind) {
      case 'welcome':
        this.#welcome(frame.wanted);
        break;
      case 'launch':
        this.#launch(frame.launch);
        break;
      case 'stop':
        this.#stop(frame);
        break;
      case 'remove':
        void this.#remove(frame.session_id);
        break;
      case 'snapshot':
        void this.#orders.snapshot(frame);
        break;
      case 'transfer':
        void this.#orders.transfer(frame);
        break;
      case 'drop':
        void this.#orders.drop(frame);
        break;
      case 'ended_ack':
      case 'snapshot_ack':
        break;
    }
  }

  #welcome(wanted: PlacementKey[]): void {
    const names = new Set(wanted.map(placementName));
    if (this.#draining) this.#control?.send({ kind: 'draining' });
    for (const host of this.#hosts.values()) {
      if (!names.has(placementName(host.key))) host.stop('stopped_by_user', STOP_GRACE_MS);
      // The pool may have missed it while the connection was away.
      else if (host.running) this.#sayStarted(host);
    }
  }

  #launch(launch: Launch): void {
    const key = { session_id: launch.session_id, epoch: launch.epoch };
    const known = this.#hosts.get(placementName(key));
    if (known !== undefined) {
      if (known.running) this.#sayStarted(known);
      else this.#control?.repeatEnded(key);
      return;
    }
    if (this.#control?.repeatEnded(key) === true) return;
    const refuse = (detail: string) => this.#control?.reportEnded(key, { code: 'container_start_failed', detail });
    const own = [...this.#hosts.values()].filter((host) => host.key.session_id === key.session_id);
    const others = [...this.#hosts.values()].filter((host) => host.holdsPlace && !own.includes(host));
    if (this.#draining) {
      this.#control?.reportEnded(key, { code: 'runner_draining', detail: 'The runner is shutting down.' });
    } else if (own.some((host) => host.key.epoch > key.epoch)) {
      refuse('The runner has a newer launch of this session.');
    } else if (others.length >= this.#options.settings.capacity) {
      refuse(`The runner already runs ${others.length} containers, all that it has room for.`);
    } else if (launch.workspace_of !== undefined && !this.#shared.has(launch.workspace_of)) {
      const detail = `No container works in the files of the session ${launch.workspace_of} here any more. ${WAKE_PARENT}`;
      this.#control?.reportEnded(key, { code: 'parent_unavailable', detail });
    } else {
      for (const older of own) older.stop('stopped_by_user', 0);
      this.#host(this.#placement(launch), key, launch, Promise.all(own.map((host) => host.released)));
    }
  }

  #placement({ epoch, token, config, workspace_of }: Launch): Placement {
    const { backend, settings } = this.#options;
    const resources = backend.sealed ? effectiveResources(config.resources, settings.limits) : null;
    const { network, secrets } = config;
    return { epoch, token, resources, secrets, ...(network && { network }), ...(workspace_of && { workspace_of }) };
  }

  #host(placement: Placement, key: PlacementKey, launch: Launch | undefined, after: Promise<unknown>): void {
    const host: SessionHost = new SessionHost({
      ...this.#surroundings,
      key,
      placement,
      launch,
      after,
      folders: containerFolders(this.#options.data.sessions, key.session_id, placement.workspace_of),
      files: () => this.#files.of(key.session_id),
      endSharers: () => this.#shared.end(key.session_id),
      onStarted: () => this.#sayStarted(host),
    });
    this.#hosts.set(placementName(key), host);
    void host.ended.then((reason) => {
      this.#control?.reportEnded(key, reason);
      if (reason.code === 'engine_unavailable' || reason.code === 'image_missing') this.#lookAtHealth();
    });
  }

  #sayStarted({ key: { session_id, epoch }, started }: SessionHost): void {
    this.#control?.send({ kind: 'started', session_id, epoch, ...started });
  }

  #stop(key: PlacementKey): void {
    const host = this.#hosts.get(placementName(key));
    if (host?.holdsPlace === true) return host.stop('stopped_by_user', STOP_GRACE_MS);
    if (this.#control?.repeatEnded(key) === true || host !== undefined) return;
    const detail = 'The runner does not have this container: it was restarted meanwhile, or someone removed it.';
    this.#control?.reportEnded(key, { code: 'runner_lost', detail });
  }

  /** The pool knows the end of it: what was kept as its proof goes. */
  #forget(key: PlacementKey): Promise<void> {
    this.#hosts.delete(placementName(key));
    const { backend, log } = this.#options;
    const gone = backend
      .remove(key)
      .catch((error: unknown) => log.warn('container not removed', { ...key, error }))
      .finally(() => this.#forgetting.delete(gone));
    this.#forgetting.add(gone);
    return gone;
  }

  async #remove(sessionId: string): Promise<void> {
    if (this.#removing.has(sessionId)) return;
    this.#removing.add(sessionId);
    try {
      const own = [...this.#hosts.values()].filter((host) => host.key.session_id === sessionId);
      for (const host of own) host.stop('stopped_by_user', 0);
      await Promise.all(own.map((host) => host.abandon()));
      await Promise.all(own.map((host) => host.released));
      await this.#files.remove(sessionId);
      this.#control?.forgetSnapshots(sessionId);
      this.#control?.send({ kind: 'removed', session_id: sessionId });
    } catch (error) {
      // Not answered: the pool asks again.
      this.#options.log.error('session files not removed', { session: sessionId, error });
    } finally {
      this.#removing.delete(sessionId);
    }
  }

  /** One look at a time: a storage that is away may take long to say so. */
  #lookAtHealth(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#checkHealth()
      .catch((error: unknown) => this.#options.log.error('health not looked at', { error }))
      .finally(() => (this.#looking = false));
  }

  async #checkHealth(): Promise<void> {
    const { backend, store, log } = this.#options;
    const [health, storage] = await Promise.all([backend.health(), store.health()]);
    if (health.ok && !this.#earlier.isKnown) await this.#earlier.giveUp();
    // Learnt only now, and said nowhere else.
    if (store.id !== this.#saidStorage) this.#control?.reconnect();
    const same = isSame(health, this.#health) && isSame(storage, this.#storageHealth);
    if (same) return;
    if (!isSame(health, this.#health)) log[health.ok ? 'info' : 'warn']('backend health', { ...health });
    if (!isSame(storage, this.#storageHealth)) log[storage.ok ? 'info' : 'warn']('storage health', { ...storage });
    this.#health = health;
    this.#storageHealth = storage;
    this.#control?.send({ kind: 'health', health, storage });
  }
}

const isSame = (one: BackendHealth, other: BackendHealth) => one.ok === other.ok && one.detail === other.detail;
