import { setTimeout as pause } from 'node:timers/promises';
import type { BackendHealth, Launch, PlacementKey, PoolFrame } from '../protocol/runner-control.ts';
import { HEARTBEAT_MS } from '../protocol/runner-control.ts';
import type { BackoffRange } from './link/backoff.ts';
import type { ContainerBackend } from './backend/backend.ts';
import { ControlConnection } from './link/control-connection.ts';
import type { DataFolder } from './data-folder.ts';
import { endReason } from './end-reason.ts';
import type { Log } from './log.ts';
import type { ModelUpstream } from './model/upstream.ts';
import { effectiveResources } from './resources.ts';
import type { EgressSurroundings } from './way-out.ts';
import { keyName } from './placement-name.ts';
import { SessionHost, STOP_GRACE_MS, type HostSurroundings } from './session-host.ts';
import { readPlacement, removeSessionFolders, sessionFolders, type Placement } from './session-folders.ts';
import type { Settings } from './settings.ts';
import { socketAliases } from './link/socket-alias.ts';

export interface RunnerOptions {
  settings: Pick<Settings, 'edgeUrl' | 'runnerToken' | 'capacity' | 'labels' | 'claudeEnv' | 'limits'>;
  backend: ContainerBackend;
  data: DataFolder;
  upstream: ModelUpstream;
  egress: EgressSurroundings;
  /** CC-Docker's version. */
  version: string;
  log: Log;
  /** Between two looks at the backend, milliseconds. */
  healthMs?: number;
  backoff?: BackoffRange;
  heartbeatMs?: number;
}

/** Longest time that a drain waits for the edge, milliseconds: more than a container's own time to end. */
const DRAIN_MS = STOP_GRACE_MS + 2_500;
/** Longest time that containers have to be gone once they are killed, milliseconds. */
const KILL_MS = 2_000;

/** The agent on the Docker host: does what its pool asks, and keeps it told. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #surroundings: HostSurroundings;
  readonly #hosts = new Map<string, SessionHost>();
  readonly #removing = new Set<string>();
  /** Removals of ended containers that are under way. */
  readonly #forgetting = new Set<Promise<void>>();
  #health: BackendHealth = { ok: false, detail: 'The backend was not asked yet.' };
  #healthTimer: NodeJS.Timeout | undefined;
  #control: ControlConnection | undefined;
  #reclaimed = false;
  #draining = false;

  private constructor(options: RunnerOptions) {
    this.#options = options;
    const { backend, upstream, egress, log, settings } = options;
    this.#surroundings = {
      backend,
      upstream,
      egress,
      log,
      aliases: socketAliases(),
      edgeUrl: settings.edgeUrl,
      claudeEnv: settings.claudeEnv,
    };
  }

  /** Takes up what an earlier runner process left, then dials the edge. The engine may be down: that is then reported. */
  static async start(options: RunnerOptions): Promise<Runner> {
    const runner = new Runner(options);
    runner.#health = await options.backend.health();
    if (!runner.#health.ok) options.log.warn('backend not ready', { detail: runner.#health.detail });
    const left = await runner.#list();
    runner.#control = new ControlConnection({
      edgeUrl: options.settings.edgeUrl,
      token: options.settings.runnerToken,
      log: options.log,
      hello: () => runner.#hello(),
      onFrame: (frame) => runner.#take(frame),
      onEndedAck: (key) => runner.#forget(key),
      ...(options.backoff && { backoff: options.backoff }),
      ...(options.heartbeatMs && { heartbeatMs: options.heartbeatMs }),
    });
    // Before the first `hello`, which names them.
    await Promise.all(left.map(({ key, running }) => runner.#adopt(key, running)));
    runner.#control.open();
    runner.#healthTimer = setInterval(() => void runner.#checkHealth(), options.healthMs ?? 1.5 * HEARTBEAT_MS);
    return runner;
  }

  /** Takes nothing new, ends everything, and returns when the pool knows, or `DRAIN_MS` have passed. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#control?.send({ kind: 'draining' });
    const hosts = [...this.#hosts.values()];
    for (const host of hosts) host.stop('runner_draining', STOP_GRACE_MS);
    const patience = new AbortController();
    const told = Promise.all(hosts.map((host) => host.ended)).then(() => this.#control?.allAcked());
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
    this.#options.backend.close();
    await this.#surroundings.aliases.close();
    this.#options.data.release();
  }

  #hello() {
    const { settings, version, backend } = this.#options;
    return {
      kind: 'hello' as const,
      version,
      backend: backend.name,
      health: this.#health,
      capacity: this.#draining ? 0 : settings.capacity,
      labels: settings.labels,
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
      case 'ended_ack':
        break;
    }
  }

  #welcome(wanted: PlacementKey[]): void {
    const names = new Set(wanted.map(keyName));
    if (this.#draining) this.#control?.send({ kind: 'draining' });
    for (const host of this.#hosts.values()) {
      if (!names.has(keyName(host.key))) host.stop('stopped_by_user', STOP_GRACE_MS);
      // The pool may have missed it while the connection was away.
      else if (host.running) this.#sayStarted(host);
    }
  }

  #launch(launch: Launch): void {
    const key = { session_id: launch.session_id, epoch: launch.epoch };
    const known = this.#hosts.get(keyName(key));
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
    } else {
      for (const older of own) older.stop('stopped_by_user', 0);
      this.#host(this.#placement(launch), key, launch, Promise.all(own.map((host) => host.released)));
    }
  }

  #placement({ epoch, token, config }: Launch): Placement {
    const { backend, settings } = this.#options;
    const resources = backend.sealed ? effectiveResources(config.resources, settings.limits) : null;
    const { network, secrets } = config;
    return { epoch, token, resources, secrets, ...(network && { network }) };
  }

  #host(placement: Placement, key: PlacementKey, launch: Launch | undefined, after: Promise<unknown>): void {
    const host: SessionHost = new SessionHost({
      ...this.#surroundings,
      key,
      placement,
      launch,
      after,
      folders: sessionFolders(this.#options.data.sessions, key.session_id),
      onStarted: () => this.#sayStarted(host),
    });
    this.#hosts.set(keyName(key), host);
    void host.ended.then((reason) => {
      this.#control?.reportEnded(key, reason);
      if (reason.code === 'engine_unavailable' || reason.code === 'image_missing') void this.#checkHealth();
    });
  }

  #sayStarted({ key: { session_id, epoch }, started }: SessionHost): void {
    this.#control?.send({ kind: 'started', session_id, epoch, ...started });
  }

  #stop(key: PlacementKey): void {
    const host = this.#hosts.get(keyName(key));
    if (host?.holdsPlace === true) return host.stop('stopped_by_user', STOP_GRACE_MS);
    if (this.#control?.repeatEnded(key) === true || host !== undefined) return;
    const detail = 'The runner does not have this container: it was restarted meanwhile, or someone removed it.';
    this.#control?.reportEnded(key, { code: 'runner_lost', detail });
  }

  /** The pool knows the end of it: what was kept as its proof goes. */
  #forget(key: PlacementKey): void {
    this.#hosts.delete(keyName(key));
    const { backend, log } = this.#options;
    const gone = backend
      .remove(key)
      .catch((error: unknown) => log.warn('container not removed', { ...key, error }))
      .finally(() => this.#forgetting.delete(gone));
    this.#forgetting.add(gone);
  }

  async #remove(sessionId: string): Promise<void> {
    if (this.#removing.has(sessionId)) return;
    this.#removing.add(sessionId);
    try {
      const own = [...this.#hosts.values()].filter((host) => host.key.session_id === sessionId);
      for (const host of own) host.stop('stopped_by_user', 0);
      await Promise.all(own.map((host) => host.abandon()));
      await Promise.all(own.map((host) => host.released));
      await removeSessionFolders(sessionFolders(this.#options.data.sessions, sessionId));
      this.#control?.send({ kind: 'removed', session_id: sessionId });
    } catch (error) {
      // Not answered: the pool asks again.
      this.#options.log.error('session files not removed', { session: sessionId, error });
    } finally {
      this.#removing.delete(sessionId);
    }
  }

  /** Own containers; none, for now, with the engine down. */
  async #list() {
    try {
      const left = await this.#options.backend.list();
      this.#reclaimed = true;
      return left;
    } catch (error) {
      this.#options.log.warn('containers of an earlier run cannot be listed yet', { error });
      return [];
    }
  }

  async #adopt(key: PlacementKey, running: boolean): Promise<void> {
    const { backend, data } = this.#options;
    const placement = await readPlacement(sessionFolders(data.sessions, key.session_id));
    const own = placement?.epoch === key.epoch ? placement : undefined;
    if (!running) {
      // It died with nobody to hear it. Its reason is still there, and stays until the pool has it.
      const exit = await backend.wait(key);
      const reason = endReason({ exit, asked: undefined, refused: undefined, resources: own?.resources ?? null });
      this.#control?.reportEnded(key, reason);
      return;
    }
    if (own !== undefined) return this.#host(own, key, undefined, Promise.resolve());
    await backend.stop(key, 0);
    const detail = 'The runner was restarted and lost what it needs to speak for this container.';
    this.#control?.reportEnded(key, { code: 'runner_lost', detail });
  }

  async #checkHealth(): Promise<void> {
    const { backend, log } = this.#options;
    const health = await backend.health();
    if (health.ok && !this.#reclaimed) {
      // Not named in any `hello`, so the pool has given them up.
      for (const { key } of await this.#list()) if (!this.#hosts.has(keyName(key))) this.#forget(key);
    }
    if (health.ok === this.#health.ok && health.detail === this.#health.detail) return;
    this.#health = health;
    log[health.ok ? 'info' : 'warn']('backend health', { ...health });
    this.#control?.send({ kind: 'health', health });
  }
}
