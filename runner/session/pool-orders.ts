import type { Launch, PlacementKey, PoolFrame } from '../../protocol/link/runner-control.ts';
import { placementName } from '../lib/placement-name.ts';
import type { Placement } from '../lib/session-folders.ts';
import type { ControlConnection } from '../link/control-connection.ts';
import type { PoolRequests } from '../session-files/pool-requests.ts';
import type { FilesRegistry } from '../session-files/registry.ts';
import type { ContainerRun } from './container/container-run.ts';
import { STOP_GRACE_MS } from './container/run/stop-grace.ts';
import { effectiveResources } from './container/resources.ts';
import type { ContainerRuns } from './container-runs.ts';
import type { Drain } from './drain.ts';
import { launchRefusal } from './launch-check.ts';
import type { RunnerOptions } from './runner-options.ts';

export interface PoolOrdersOptions extends Pick<RunnerOptions, 'settings' | 'backend' | 'log'> {
  control: ControlConnection;
  runs: ContainerRuns;
  drain: Drain;
  files: FilesRegistry;
  filesRequests: PoolRequests;
}

/** Carries out what the pool orders, and answers it. An order that comes twice is carried out once. */
export class PoolOrders {
  readonly #options: PoolOrdersOptions;
  /** Sessions that are being removed. */
  readonly #removing = new Set<string>();

  constructor(options: PoolOrdersOptions) {
    this.#options = options;
  }

  take(frame: PoolFrame): void {
    const { filesRequests, drain } = this.#options;
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
        void this.#removeSession(frame.session_id);
        break;
      case 'snapshot':
        void filesRequests.snapshot(frame);
        break;
      case 'transfer':
        void filesRequests.transfer(frame);
        break;
      case 'drop':
        void filesRequests.drop(frame);
        break;
      case 'drain':
        drain.ask(frame.on);
        break;
      // The connection itself has answered these.
      case 'probe':
      case 'ended_ack':
      case 'snapshot_ack':
        break;
    }
  }

  /** A container has started. */
  sendStarted({ key: { session_id, epoch }, started }: ContainerRun): void {
    this.#options.control.send({ kind: 'started', session_id, epoch, ...started });
  }

  #welcome(wanted: PlacementKey[]): void {
    const { control, runs, drain } = this.#options;
    const names = new Set(wanted.map(placementName));
    if (drain.on) control.send({ kind: 'draining', on: true });
    for (const run of runs.all()) {
      if (!names.has(placementName(run.key))) run.stop('stopped_by_user', STOP_GRACE_MS);
      // The pool may have missed it while the connection was down.
      else if (run.running) this.sendStarted(run);
    }
  }

  #launch(launch: Launch): void {
    const { control, runs, drain, settings, backend } = this.#options;
    const key = { session_id: launch.session_id, epoch: launch.epoch };
    const known = runs.get(key);
    if (known !== undefined) {
      if (known.running) this.sendStarted(known);
      else control.repeatEnded(key);
      return;
    }
    if (control.repeatEnded(key)) return;
    const refusal = launchRefusal({
      launch,
      runs,
      sharesFiles: backend.hasFilesHere,
      capacity: settings.capacity,
      draining: drain.on,
    });
    if (refusal !== undefined) return control.reportEnded(key, refusal);
    const older = runs.ofSession(key.session_id);
    for (const run of older) run.stop('stopped_by_user', 0);
    runs.start(key, this.#placementOf(launch), launch, Promise.all(older.map((run) => run.released)));
  }

  #placementOf({ epoch, token, config, workspace_of }: Launch): Placement {
    const { backend, settings } = this.#options;
    const resources = backend.seal !== null ? effectiveResources(config.resources, settings.limits) : null;
    const { network, secrets } = config;
    return { epoch, token, resources, secrets, ...(network && { network }), ...(workspace_of && { workspace_of }) };
  }

  #stop(key: PlacementKey): void {
    const { control, runs } = this.#options;
    const run = runs.get(key);
    if (run?.holdsPlace === true) return run.stop('stopped_by_user', STOP_GRACE_MS);
    if (control.repeatEnded(key) || run !== undefined) return;
    const detail = 'The runner does not have this container: it was restarted meanwhile, or someone removed it.';
    control.reportEnded(key, { code: 'runner_lost', detail });
  }

  async #removeSession(sessionId: string): Promise<void> {
    if (this.#removing.has(sessionId)) return;
    const { control, files, log } = this.#options;
    this.#removing.add(sessionId);
    try {
      const runs = this.#options.runs.ofSession(sessionId);
      for (const run of runs) run.stop('stopped_by_user', 0);
      await Promise.all(runs.map((run) => run.abandon()));
      await Promise.all(runs.map((run) => run.released));
      await files.remove(sessionId);
      control.forgetSnapshots(sessionId);
      control.send({ kind: 'removed', session_id: sessionId });
    } catch (error) {
      // There is no answer: the pool asks again.
      log.error('session files not removed', { session: sessionId, error });
    } finally {
      this.#removing.delete(sessionId);
    }
  }
}
