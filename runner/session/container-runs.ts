import type { Launch, PlacementKey } from '../../protocol/link/runner-control.ts';
import type { Reason } from '../../protocol/reason.ts';
import { runnerMetrics } from '../lib/metrics.ts';
import { placementName } from '../lib/placement-name.ts';
import { containerFolders, type Placement } from '../lib/session-folders.ts';
import type { LocalFiles } from '../session-files/local-files.ts';
import { ContainerRun } from './container/container-run.ts';
import type { ContainerRunOptions } from './container/run/run-options.ts';
import { STOP_GRACE_MS } from './container/run/stop-grace.ts';
import type { ContainerDependencies } from './container/container-sockets.ts';

export interface ContainerRunsOptions {
  dependencies: ContainerDependencies;
  /** The folder that has a folder for each session. */
  sessions: string;
  files: (sessionId: string) => Promise<LocalFiles>;
  onStarted: (run: ContainerRun) => void;
  /** Takes a spare for a launch. Absent: this runner has no spares. */
  claim?: ContainerRunOptions['claim'];
  onEnded: (key: PlacementKey, reason: Reason) => void;
}

/** The containers of this runner process, until the pool has acknowledged their end. */
export class ContainerRuns {
  readonly #options: ContainerRunsOptions;
  readonly #runs = new Map<string, ContainerRun>();
  /** Removals of ended containers that have not finished. */
  readonly #removals = new Set<Promise<void>>();

  constructor(options: ContainerRunsOptions) {
    this.#options = options;
  }

  get(key: PlacementKey): ContainerRun | undefined {
    return this.#runs.get(placementName(key));
  }

  all(): ContainerRun[] {
    return [...this.#runs.values()];
  }

  /** Those of one session: at most one of them is not about to end. */
  ofSession(sessionId: string): ContainerRun[] {
    return this.all().filter((run) => run.key.session_id === sessionId);
  }

  /** Starts a container once `foldersFree` has resolved. */
  start(key: PlacementKey, placement: Placement, launch: Launch, foldersFree: Promise<unknown>): void {
    this.#add(key, placement, launch, foldersFree);
  }

  /** Takes over a running container that an earlier runner process started. */
  adopt(key: PlacementKey, placement: Placement): void {
    this.#add(key, placement, undefined, Promise.resolve());
  }

  /** Whether another session's container may now start to work in the workspace of this session. */
  canShare(sessionId: string): boolean {
    return this.ofSession(sessionId).some((run) => run.canShare);
  }

  /** Ends the containers of other sessions that work in this session's workspace. Resolves when nothing writes there any more. */
  async endSharers(sessionId: string): Promise<void> {
    const sharers = this.all().filter((run) => run.workspaceOf === sessionId);
    for (const run of sharers) run.stop('parent_unavailable', STOP_GRACE_MS);
    await Promise.all(sharers.map((run) => run.released));
  }

  /** Removes an ended container, which was kept until the pool knew of its end. Never rejects. */
  remove(key: PlacementKey): Promise<void> {
    this.#runs.delete(placementName(key));
    const { backend, log } = this.#options.dependencies;
    const removal = backend
      .remove(key)
      .catch((error: unknown) => log.warn('container not removed', { ...key, error }))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    return removal;
  }

  /** Kills and removes all containers. Resolves when each is removed or could not be. */
  async kill(): Promise<PromiseSettledResult<void>[]> {
    const { backend } = this.#options.dependencies;
    const end = async (run: ContainerRun): Promise<void> => {
      run.stop('runner_draining', 0);
      await run.released;
      await backend.remove(run.key);
    };
    return await Promise.allSettled([...this.all().map(end), ...this.#removals]);
  }

  /** Detaches from all containers, which run on for the next runner process. */
  async detach(): Promise<void> {
    await Promise.all(this.all().map((run) => run.detach()));
  }

  #add(key: PlacementKey, placement: Placement, launch: Launch | undefined, foldersFree: Promise<unknown>): void {
    const { dependencies, sessions, files, claim, onStarted, onEnded } = this.#options;
    let hasStarted = false;
    const begun = Date.now();
    const run: ContainerRun = new ContainerRun({
      ...dependencies,
      key,
      placement,
      launch,
      foldersFree,
      folders: containerFolders(sessions, key.session_id, placement.workspace_of),
      files: () => files(key.session_id),
      endSharers: () => this.endSharers(key.session_id),
      ...(claim && { claim }),
      onStarted: () => {
        hasStarted = true;
        if (launch !== undefined) this.#launched(launch, begun, undefined);
        onStarted(run);
      },
    });
    this.#runs.set(placementName(key), run);
    void run.ended.then((reason) => {
      if (launch !== undefined && !hasStarted) this.#launched(launch, begun, reason.code);
      onEnded(key, reason);
    });
  }

  /** A launch has led to a container, or to none. Of one that was taken over, an earlier process has counted the launch. */
  #launched({ session_id, epoch, traceparent }: Launch, start: number, error: Reason['code'] | undefined): void {
    const outcome = error === undefined ? 'started' : 'failed';
    runnerMetrics.count('cc_docker_runner_launches_total', { outcome });
    this.#options.dependencies.traces?.record(traceparent, {
      name: 'launch container',
      kind: 'internal',
      start,
      end: Date.now(),
      attributes: { 'gen_ai.conversation.id': session_id, 'cc_docker.epoch': epoch },
      ...(error !== undefined && { error }),
    });
  }
}
