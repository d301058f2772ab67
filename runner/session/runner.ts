import { HEARTBEAT_MS, type PlacementKey } from '../../protocol/link/runner-control.ts';
import type { Reason } from '../../protocol/reason.ts';
import { FreeSpace } from '../lib/disk/free-space.ts';
import { measureWith } from '../lib/disk/usage.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { sessionFolders } from '../lib/session-folders.ts';
import { waitAtMost } from '../lib/wait-at-most.ts';
import { ControlConnection } from '../link/control-connection.ts';
import { socketAliases, type SocketAliases } from '../link/socket-alias.ts';
import { PoolRequests } from '../session-files/pool-requests.ts';
import { FilesRegistry } from '../session-files/registry.ts';
import { SweepLoop } from '../session-files/sweep-loop.ts';
import { Adoption } from './adoption.ts';
import { ContainerRuns } from './container-runs.ts';
import { STOP_GRACE_MS } from './container/run/stop-grace.ts';
import { DiskWatch } from './disk/disk-watch.ts';
import { Drain } from './drain.ts';
import { HealthWatch } from './health-watch.ts';
import { PoolOrders } from './pool-orders.ts';
import type { RunnerOptions } from './runner-options.ts';
import { MOVES_SESSIONS, SelfReport } from './self-report.ts';
import { openSpares } from './warm/open-spares.ts';
import type { Spares } from './warm/spares.ts';

/** Longest wait of a drain for the edge, milliseconds: more than the time that a container may take to end. */
const DRAIN_MS = STOP_GRACE_MS + 2_500;
/** Longest wait for killed containers to end, milliseconds. */
const KILL_MS = 2_000;

/** Snapshots that are taken at the same time: each reads, compresses and sends. */
const CONCURRENT_SAVES = 2;

/** The agent on the Docker host: carries out the requests of its pool, and reports back. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #aliases: SocketAliases = socketAliases();
  readonly #space: FreeSpace;
  readonly #runs: ContainerRuns;
  readonly #files: FilesRegistry;
  readonly #filesRequests: PoolRequests;
  readonly #sweep: SweepLoop;
  readonly #adoption: Adoption;
  readonly #health: HealthWatch;
  readonly #disk: DiskWatch;
  readonly #control: ControlConnection;
  readonly #drain: Drain;
  readonly #report: SelfReport;
  readonly #orders: PoolOrders;
  readonly #spares: Spares;
  #metricsTimer: NodeJS.Timeout | undefined;

  private constructor(options: RunnerOptions) {
    this.#options = options;
    this.#space = new FreeSpace(options.data.sessions);
    const { agents, backend, upstream, newModelHandler, egress, log, settings, data, store, snapshots } = options;
    const measure = measureWith({ privileged: backend.privilegedMeasure, log });
    const { workspaceMb: mb, workspaceFiles } = settings.limits;
    this.#control = new ControlConnection({
      edgeUrl: settings.edgeUrl,
      agents,
      credentials: options.credentials,
      log,
      hello: () => this.#report.hello(),
      onFrame: (frame) => this.#orders.take(frame),
      onEndedAck: (key) => void this.#runs.remove(key),
      onSnapshotAck: (sessionId, snapshotId) => void this.#filesRequests.acknowledged(sessionId, snapshotId),
      ...(options.backoff && { backoff: options.backoff }),
      ...(options.heartbeatMs && { heartbeatMs: options.heartbeatMs }),
    });
    this.#files = new FilesRegistry(data.sessions, {
      snapshots,
      semaphore: new Semaphore(CONCURRENT_SAVES),
      storage: () => store.id,
      containersKnown: () => this.#adoption.containersKnown,
      report: (sessionId, report) => this.#control.reportSnapshot(sessionId, report),
      sendUpdate: (session_id, report) => this.#control.send({ kind: 'snapshot', session_id, report }),
      owner: backend.owner,
      everyMs: settings.files.snapshotEveryMinutes * 60_000,
      ...(!backend.hasFilesHere && { sync: (sessionId: string) => this.#syncFiles(sessionId) }),
      log,
      ...(options.snapshotBackoff && { backoff: options.snapshotBackoff }),
      ...(options.writtenMs !== undefined && { writtenMs: options.writtenMs }),
    });
    this.#filesRequests = new PoolRequests({
      registry: this.#files,
      snapshots,
      live: (sessionId) => options.liveFiles?.(sessionId),
      edgeUrl: settings.edgeUrl,
      agents,
      token: () => this.#token(),
      owner: backend.owner,
      limits: backend.seal !== null ? { mb, files: workspaceFiles, measure } : null,
      storage: () => store.id,
      control: this.#control,
      log,
    });
    this.#sweep = new SweepLoop({
      snapshots,
      everyMs: settings.files.sweepHours * 3_600_000,
      ask: (frame) => this.#control.send(frame),
      unacknowledged: () => this.#files.unacknowledged(),
      also: () => this.#files.tidy(settings.files.localCopyDays),
      log,
    });
    const { edgeUrl, claudeEnv } = settings;
    const dependencies = {
      backend,
      upstream,
      newModelHandler,
      egress,
      environments: options.environments,
      space: this.#space,
      measure,
      limits: settings.limits,
      log,
      aliases: this.#aliases,
      edgeUrl,
      agents,
      claudeEnv,
      ...(options.traces && { traces: options.traces }),
    };
    this.#spares = openSpares({
      options,
      dependencies,
      runs: () => this.#runs.all(),
      onCount: () => this.#report.sendMetrics(),
      closed: () => this.#drain.on || !this.#health.backend.ok || this.#disk.state?.low === true,
    });
    this.#runs = new ContainerRuns({
      dependencies,
      claim: (request) => this.#spares.claim(request),
      sessions: data.sessions,
      files: (sessionId) => this.#files.of(sessionId),
      onStarted: (run) => this.#orders.sendStarted(run),
      onEnded: (key, reason) => this.#onEnded(key, reason),
    });
    this.#adoption = new Adoption({
      backend,
      sessions: data.sessions,
      files: this.#files,
      localCopyDays: settings.files.localCopyDays,
      runs: this.#runs,
      onEnded: (key, reason) => this.#control.reportEnded(key, reason),
      log,
    });
    this.#drain = new Drain({
      timeoutMs: settings.drainSeconds * 1000,
      runs: this.#runs,
      send: (frame) => {
        this.#control.send(frame);
        this.#spares.adjust();
      },
      edgeMovesSessions: () => this.#control.edgeProtocol >= MOVES_SESSIONS,
      log,
    });
    this.#health = new HealthWatch({
      backend,
      storage: store,
      onChecked: async (health) => {
        if (health.ok && !this.#adoption.containersKnown) await this.#adoption.removeStrays();
        if (this.#report.isOutOfDate) this.#control.reconnect();
      },
      onChange: () => {
        this.#report.sendHealth();
        this.#spares.adjust();
      },
      log,
    });
    this.#disk = new DiskWatch({
      space: this.#space,
      measure,
      floorMb: settings.diskFloorMb,
      runs: () => this.#runs.all(),
      onChange: () => this.#report.sendHealth(),
      log,
    });
    const parts = { control: this.#control, runs: this.#runs, drain: this.#drain };
    this.#report = new SelfReport({ ...options, ...parts, health: this.#health, disk: this.#disk });
    this.#orders = new PoolOrders({ ...options, ...parts, files: this.#files, filesRequests: this.#filesRequests });
  }

  /** Adopts what an earlier runner process left, then connects to the edge. The engine may be down: that is then reported. */
  static async start(options: RunnerOptions): Promise<Runner> {
    const runner = new Runner(options);
    await Promise.all([runner.#health.init(), runner.#disk.start(), options.environments?.start()]);
    await runner.#spares.recover();
    // Before the first `hello`, which names the adopted containers.
    await runner.#adoption.adopt();
    await runner.#spares.start();
    runner.#control.open();
    runner.#health.start(options.healthMs ?? 1.5 * HEARTBEAT_MS);
    runner.#metricsTimer = setInterval(() => runner.#report.sendMetrics(), options.metricsMs ?? 1.5 * HEARTBEAT_MS);
    return runner;
  }

  /**
   * Accepts nothing new, lets turns end for at most `DRAIN_TIMEOUT`, ends everything, and returns when the pool knows it, or `DRAIN_MS`
   * after that.
   */
  async drain(): Promise<void> {
    const runs = this.#runs.all();
    await this.#drain.empty();
    const reported = Promise.all(runs.map((run) => run.ended))
      // So that the sessions can wake on another runner. A snapshot that the storage does not take is tried by the next process.
      .then(() => this.#files.settled())
      .then(() => this.#control.allAcked());
    if ((await waitAtMost(reported, DRAIN_MS)) === 'late')
      this.#options.log.warn('the edge did not acknowledge every end in time');
    await this.kill();
  }

  /** Ends everything at once and leaves no container behind, if the engine answers within `KILL_MS`. */
  async kill(): Promise<void> {
    this.#drain.cut();
    const { log } = this.#options;
    const results = await waitAtMost(this.#runs.kill(), KILL_MS);
    // The next runner process of this data folder finds what is left.
    if (results === 'late') log.error('the engine did not end every container in time');
    else
      for (const result of results)
        if (result.status === 'rejected') log.error('container not removed', { error: result.reason });
    await this.detach();
  }

  /** Ends this runner and leaves everything as it is. Containers run on for the next runner process. */
  async detach(): Promise<void> {
    this.#drain.cut();
    if ((await waitAtMost(this.#spares.close(), KILL_MS)) === 'late')
      this.#options.log.error('the engine did not end every spare in time');
    this.#health.stop();
    clearInterval(this.#metricsTimer);
    await this.#disk.close();
    // First, so that nothing after this is reported as the end of a container.
    await this.#control.close();
    await Promise.all([this.#runs.detach(), this.#options.environments?.close()]);
    // In this order: running snapshots are cancelled first, so that the close of their worker does not count as a failure.
    await Promise.all([this.#files.close(), this.#options.snapshots.close(), this.#sweep.close()]);
    await this.#options.traces?.close();
    this.#options.store.close();
    await this.#options.backend.close();
    await this.#aliases.close();
    this.#options.data.release();
  }

  /** A token for one connection. @throws when the edge does not enrol this runner */
  async #token(): Promise<string> {
    const got = await this.#options.credentials.token();
    if ('problem' in got) throw new Error(got.problem);
    return got.token;
  }

  async #syncFiles(sessionId: string): Promise<void> {
    for (const { key, running } of this.#runs.ofSession(sessionId))
      if (running)
        await this.#options.backend.syncFiles(key, sessionFolders(this.#options.data.sessions, key.session_id));
  }

  #onEnded(key: PlacementKey, reason: Reason): void {
    this.#control.reportEnded(key, reason);
    this.#spares.adjust();
    if (reason.code === 'engine_unavailable' || reason.code === 'image_missing') this.#health.check();
  }
}
