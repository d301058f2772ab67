import type { Counts } from '../../protocol/metrics/registry.ts';
import { PROTOCOL } from '../../protocol/link/protocol-version.ts';
import { runnerMetrics } from '../lib/metrics.ts';
import type { ControlConnection } from '../link/control-connection.ts';
import type { ContainerRuns } from './container-runs.ts';
import type { DiskWatch } from './disk/disk-watch.ts';
import type { Drain } from './drain.ts';
import type { HealthWatch } from './health-watch.ts';
import type { RunnerOptions } from './runner-options.ts';

/** The protocol from which on an edge has sessions leave a runner that drains. */
export const MOVES_SESSIONS = 2;

export interface SelfReportOptions extends Pick<
  RunnerOptions,
  'settings' | 'version' | 'backend' | 'store' | 'environments'
> {
  control: ControlConnection;
  runs: ContainerRuns;
  drain: Drain;
  health: HealthWatch;
  disk: DiskWatch;
}

/** What a runner says of itself: when it connects, and whenever its health or its counts have changed. */
export class SelfReport {
  readonly #options: SelfReportOptions;
  /** The storage's id in the last `hello`. */
  #saidStorage = '';
  /** The version of the metrics that the pool was told last. */
  #toldMetrics = -1;

  constructor(options: SelfReportOptions) {
    this.#options = options;
  }

  /** The frame that a connection begins with. */
  hello() {
    const { settings, version, backend, store, environments, control, drain, health, disk, runs } = this.#options;
    const { machine, limits } = settings;
    this.#saidStorage = store.id;
    return {
      kind: 'hello' as const,
      version,
      backend: backend.name,
      health: health.backend,
      protocol: PROTOCOL,
      // An edge of an earlier version does not read `draining` here.
      capacity: drain.on && control.edgeProtocol < MOVES_SESSIONS ? 0 : settings.capacity,
      ...(machine && {
        resources: { total: machine, session: { cpus: limits.cpus, memory_mb: limits.memoryMb } },
      }),
      draining: drain.on,
      labels: settings.labels,
      ...(environments && { environments: true }),
      storage: { id: store.id, kind: store.kind, health: health.storage },
      ...(disk.state && { disk: disk.state }),
      metrics: this.#metrics(),
      running: runs.all().map((run) => run.key),
    };
  }

  /** The storage's id became known after the last `hello`, and no other frame carries it. */
  get isOutOfDate(): boolean {
    return this.#options.store.id !== this.#saidStorage;
  }

  sendHealth(): void {
    const { control, health, disk } = this.#options;
    const { backend, storage } = health;
    const state = disk.state && { disk: disk.state };
    control.send({ kind: 'health', health: backend, storage, ...state, metrics: this.#metrics() });
  }

  /** Says what was counted, if that has changed. */
  sendMetrics(): void {
    if (runnerMetrics.version !== this.#toldMetrics) this.sendHealth();
  }

  #metrics(): Counts {
    this.#toldMetrics = runnerMetrics.version;
    return runnerMetrics.all();
  }
}
