import { setTimeout as pause } from 'node:timers/promises';
import { repositoriesOf } from '../../../protocol/api/files/workspace.ts';
import type { Launch, PlacementKey, RunnerFrame } from '../../../protocol/link/runner-control.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { ContainerExit } from '../../backend/backend.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import { removeTemporary, type Placement, type SessionFolders } from '../../lib/session-folders.ts';
import type { LocalFiles } from '../../session-files/local-files.ts';
import { ContainerSockets, type ContainerDependencies } from './container-sockets.ts';
import { endReason, type EndFacts, type StopCause } from './end-reason.ts';
import { sessionMachine, type SessionMachine } from '../environment/devcontainer/session-machine.ts';
import { planEgress, type EgressPlan } from './session-egress.ts';
import { WorkspaceWatch, type Full } from './workspace-watch.ts';

export interface ContainerRunOptions extends ContainerDependencies {
  key: PlacementKey;
  folders: SessionFolders;
  files: () => Promise<LocalFiles>;
  /** The container's token, its limits, and what its egress is made from. */
  placement: Placement;
  /** Absent: the container runs already, and an earlier runner process started it. */
  launch: Launch | undefined;
  /** Resolves when the session's folders are free: its earlier container has ended. */
  foldersFree: Promise<unknown>;
  /** Ends the containers of other sessions that work in this session's workspace. Resolves when they have ended. */
  endSharers: () => Promise<void>;
  onStarted: () => void;
}

/** How long a stopped container may take to end, milliseconds. `claude` may take 5 s, and its last lines 8 s to be stored. */
export const STOP_GRACE_MS = 14_000;
/** The same for a container that fills the disk: only its last lines are waited for. */
export const FULL_GRACE_MS = 3_000;

/** One launch of a session: its folders, sockets and container, from start to end. */
export class ContainerRun {
  readonly key: PlacementKey;
  /** Resolves when the container has ended and its session has stored all that it sent, or never will. Never rejects. */
  readonly ended: Promise<Reason>;
  /** Resolves when the container has ended, and its folders and sockets are free. Never rejects. */
  readonly released: Promise<void>;
  readonly #options: ContainerRunOptions;
  readonly #log: Log;
  readonly #sockets: ContainerSockets;
  #files: LocalFiles | undefined;
  #workspace: WorkspaceWatch | undefined;
  #plan: EgressPlan | undefined;
  #phase: 'starting' | 'running' | 'ended' = 'starting';
  #stopCause: StopCause | undefined;
  #refused: EndFacts['refused'];
  /** Which limit its files have reached. */
  #full: Full | undefined;
  /** Why its wrapper is given up. */
  #givenUp: EndFacts['givenUp'];
  /** How many processes it had then. */
  #processes: number | undefined;
  /** Aborted by a stop: what the start waits for is not needed any more. */
  readonly #stopped = new AbortController();
  /** The container may have changed the files: the edge counts the launch as a new version of them. */
  #launched = false;
  /** The container is to clone a repository, and to wait afterwards. */
  #clones = false;
  /** The container has said that the clone is done. */
  #cloned = false;
  #graceMs = STOP_GRACE_MS;
  #detached = false;
  #release: () => void = () => {};

  constructor(options: ContainerRunOptions) {
    this.#options = options;
    this.key = options.key;
    this.#log = options.log.with({ session: options.key.session_id, epoch: options.key.epoch });
    this.#sockets = new ContainerSockets({
      ...options,
      log: this.#log,
      onRefused: (why) => {
        this.#refused ??= why;
        if (this.#phase === 'running') void this.#end();
      },
      onCloned: (how) => this.#continueAfterClone(how),
      onUnresponsive: (why) => void this.#giveUp(why),
    });
    this.released = new Promise((resolve) => (this.#release = resolve));
    this.ended = this.#run();
  }

  get running(): boolean {
    return this.#phase === 'running';
  }

  /** What the session needs to know about its container when it has started. */
  get started(): Pick<Extract<RunnerFrame, { kind: 'started' }>, 'resources' | 'exposed_secrets'> {
    return { resources: this.#options.placement.resources, exposed_secrets: this.#plan?.exposedNames ?? [] };
  }

  /** The session in whose workspace its container works; undefined: its own. */
  get workspaceOf(): string | undefined {
    return this.#options.placement.workspace_of;
  }

  /** The folders that its container fills. A workspace of another session's is that one's. */
  get filled(): string[] {
    const { folders, placement } = this.#options;
    const own = [folders.claude, folders.home, folders.tmp];
    return placement.workspace_of === undefined ? [folders.workspace, ...own] : own;
  }

  /** Its files are as its container has them and stay so for now: another session's container may work in them too. */
  get canShare(): boolean {
    const adopting = this.#phase === 'starting' && this.#options.launch === undefined;
    return (adopting || this.#phase === 'running') && this.#stopCause === undefined;
  }

  /** It has a container, or is about to have one. */
  get holdsPlace(): boolean {
    return this.#phase !== 'ended';
  }

  /** Stops the container and gives it `graceMs` to end. The first cause given stands. Returns at once: see `ended`. */
  stop(cause: StopCause, graceMs: number): void {
    if (this.#phase === 'ended') return;
    this.#stopCause ??= cause;
    this.#graceMs = Math.min(this.#graceMs, graceMs);
    this.#stopped.abort();
    if (this.#phase === 'running') void this.#end();
  }

  /** Nobody wants what is not stored yet: `ended` now waits for the container alone. */
  async abandon(): Promise<void> {
    await this.#sockets.abandon();
  }

  /** Detaches from the container, which runs on for the next runner process to adopt. */
  async detach(): Promise<void> {
    this.#detached = true;
    await this.#close();
  }

  async #close(): Promise<void> {
    await this.#workspace?.close();
    await this.#sockets.close();
  }

  async #run(): Promise<Reason> {
    try {
      await this.#options.foldersFree;
      this.#files = await this.#options.files();
      return await this.#live(this.#files);
    } catch (error) {
      // `detach` made the wait fail. The next runner process adopts the container.
      if (this.#detached) return { code: 'runner_lost', detail: 'The runner detached from the container.' };
      this.#log.error('container run failed', { error });
      await this.#options.backend.remove(this.key).catch((error: unknown) => {
        this.#log.error('container not removed', { error });
      });
      await this.#close();
      const code = this.#phase === 'starting' ? 'container_start_failed' : 'container_exited';
      return { code, detail: `The runner could not run the container: ${messageOf(error)}`.slice(0, 2048) };
    } finally {
      this.#phase = 'ended';
      if (!this.#detached) await this.#saveFiles();
      this.#release();
    }
  }

  /** Has the files saved: the container has ended or never started, so they stay as they are now. */
  async #saveFiles(): Promise<void> {
    const files = this.#files;
    const { launch, endSharers } = this.#options;
    if (launch !== undefined && !this.#launched) return files?.notLaunched();
    // First: what the sharers wrote is to be saved too, and nothing may be written after that.
    await endSharers();
    await files?.ended().catch((error: unknown) => this.#log.error('the session’s files are not saved', { error }));
  }

  async #live(files: LocalFiles): Promise<Reason> {
    const { backend, launch, placement, egress } = this.#options;
    // An adopted container runs: it is stopped later, when its last lines can be stored.
    if (launch !== undefined && this.#stopCause !== undefined) return this.#reason(NEVER_RAN);
    const planned = await planEgress(placement, egress, backend.seal !== null);
    if (!planned.ok) {
      // An adopted container: the operator has since removed something that it uses.
      if (launch === undefined) await backend.stop(this.key, 0);
      return planned.reason;
    }
    this.#plan = planned.plan;
    const failure =
      launch === undefined ? await this.#adopt(files, planned.plan) : await this.#start(files, launch, planned.plan);
    if (failure !== undefined) return failure;
    this.#phase = 'running';
    this.#log.info(launch === undefined ? 'container adopted' : 'container started');
    this.#options.onStarted();
    // Something may have ended it while it started.
    const isEnding = this.#stopCause !== undefined || this.#refused !== undefined || this.#full !== undefined;
    if (isEnding || this.#givenUp !== undefined) void this.#end();

    const exit = await backend.wait(this.key);
    await Promise.all([this.#workspace?.close(), this.#sockets.containerEnded(), this.#removeTemporary()]);
    this.#phase = 'ended';
    await this.#saveFiles();
    this.#release();
    await this.#sockets.drained();
    const reason = this.#reason(exit);
    this.#log.info('container ended', { code: reason.code, exit: exit.code, signal: exit.signal });
    return reason;
  }

  /** Prepares the files and sockets and starts the container; or says why there is none. */
  async #start(files: LocalFiles, launch: Launch, plan: EgressPlan): Promise<Reason | undefined> {
    const { backend, folders, placement } = this.#options;
    // What a container left whose end nobody saw.
    await this.#removeTemporary();
    const prepared = await files.prepare(launch.files, true, this.#stopped.signal);
    // A stop came while the files were fetched.
    if (this.#stopCause !== undefined) return this.#reason(NEVER_RAN);
    if (!prepared.ok) return prepared.reason;
    this.#clones = wantsClone(launch) && files.clone.isDue;
    this.#launched = true;
    // The record is written while the sockets open. Wait for both before an error is thrown, so that `close` finds what opened.
    const [recorded, opened] = await Promise.allSettled([
      files.launched(launch.files, this.#clones),
      this.#sockets.open(plan, this.#clones, this.#machineOf(launch, plan)),
    ]);
    for (const result of [recorded, opened])
      if (result.status === 'rejected' && this.#stopCause === undefined) throw result.reason;
    if (this.#stopCause !== undefined || opened.status === 'rejected') {
      await this.#close();
      return this.#reason(NEVER_RAN);
    }
    const found = opened.value;
    if (found?.ok === false) {
      this.#log.warn('container has no image', { ...found.reason });
      // The session is to know how its environment failed.
      await this.#sockets.containerEnded();
      await this.#sockets.drained();
      return found.reason;
    }
    if (prepared.restored !== undefined) this.#sockets.notify([prepared.restored]);
    // Before the container starts, so that its own files do not count as having been there.
    this.#watchWorkspace();
    const result = await backend.start(this.key, folders, placement.resources, {
      signal: this.#stopped.signal,
      onWaiting: (reason) => this.#sockets.notify([{ host_notice: 'waiting', reason }]),
      image: found?.image?.id,
    });
    if (result.ok) return undefined;
    if (this.#stopCause !== undefined) {
      await this.#close();
      return this.#reason(NEVER_RAN);
    }
    this.#log.warn('container did not start', { ...result.failure });
    await this.#close();
    return result.failure;
  }

  /** Finds or builds what the session's container starts from; undefined: it has no environment. */
  #machineOf(launch: Launch, plan: EgressPlan): (() => Promise<SessionMachine>) | undefined {
    const { backend, folders, environments, placement } = this.#options;
    const { environment } = launch;
    if (environment === undefined) return undefined;
    const { resources } = placement;
    if (environments === undefined || resources === null)
      return async () => ({ ok: false, reason: { code: 'environment_unavailable', detail: NO_ENVIRONMENTS } });
    const input = { launch, environment, plan, layout: backend.layout(folders) };
    const request = {
      resources,
      signal: this.#stopped.signal,
      notify: (notices: RunnerNotice[]) => this.#sockets.notify(notices),
      onWaiting: (reason: Reason) => this.#sockets.notify([{ host_notice: 'waiting', reason }]),
    };
    return async () => await sessionMachine(environments, input, request);
  }

  /** Opens the sockets of a container that an earlier runner process started. */
  async #adopt(files: LocalFiles, plan: EgressPlan): Promise<undefined> {
    await this.#options.backend.adopt(this.key, this.#options.folders);
    await this.#sockets.open(plan, false);
    // The earlier process may have heard that the clone is done, and died before the container was told to continue.
    const clone = files.state?.clone ?? 'none';
    if (clone === 'cloned') this.#continueAfterClone('cloned');
    else if (clone === 'done') this.#sockets.go();
    this.#watchWorkspace();
  }

  /** Saves what was cloned as the files that the agent began with. Then the wrapper may continue. */
  #continueAfterClone(how: 'cloned' | 'kept'): void {
    if (this.#cloned) return;
    this.#cloned = true;
    const files = this.#files;
    (how === 'cloned' ? files?.clone.cloned() : files?.clone.notCloned())?.then(
      () => this.#sockets.go(),
      (error: unknown) => this.#log.error('the session waits after its clone', { error }),
    );
  }

  /** Ends a container whose wrapper does not answer, or cannot be reached. */
  async #giveUp(why: NonNullable<EndFacts['givenUp']>): Promise<void> {
    // First: a fork bomb leaves its wrapper no processor, and is gone afterwards.
    const counted = await this.#options.backend.processes(this.key).catch((error: unknown) => {
      this.#log.warn('processes not counted', { error });
      return null;
    });
    this.#processes = counted ?? undefined;
    this.#givenUp = why;
    // Nobody in it would do anything about a gentle stop.
    this.#graceMs = 0;
    if (this.#phase === 'running') void this.#end();
  }

  /** What stays is in nobody's way, and counts for the session's limit. */
  async #removeTemporary(): Promise<void> {
    await removeTemporary(this.#options.folders).catch((error: unknown) => {
      this.#log.error('temporary files not removed', { error });
    });
  }

  #reason(exit: ContainerExit): Reason {
    const { resources } = this.#options.placement;
    return endReason({
      exit,
      stopCause: this.#stopCause,
      refused: this.#refused,
      full: this.#full,
      givenUp: this.#givenUp,
      lostAfterMs: this.#options.backend.line?.lostAfterMs,
      processes: this.#processes,
      resources,
    });
  }

  #watchWorkspace(): void {
    const { placement, backend, space, measure, limits } = this.#options;
    const { workspace_mb, workspace_files } = placement.resources ?? { workspace_mb: null };
    if (workspace_mb === null || !backend.canPause) return;
    this.#workspace = new WorkspaceWatch({
      folders: this.filled,
      // A container that an earlier version started was told no number of files.
      limits: { mb: workspace_mb, files: workspace_files ?? limits.workspaceFiles },
      space,
      measure,
      pause: () => {
        this.#sockets.setPaused(true);
        return backend.pause(this.key);
      },
      resume: async () => {
        await backend.resume(this.key);
        this.#sockets.setPaused(false);
      },
      onFull: (full, isFlood) => {
        this.#full = full;
        this.#graceMs = isFlood ? 0 : Math.min(this.#graceMs, FULL_GRACE_MS);
        if (this.#phase === 'running') void this.#end();
      },
      onStillWriting: () => {
        this.#graceMs = 0;
        if (this.#phase === 'running') void this.#end();
      },
      log: this.#log,
    });
  }

  /** Ends the container. Repeats the request until the engine answers. */
  async #end(): Promise<void> {
    while (this.#phase === 'running') {
      try {
        await this.#options.backend.stop(this.key, this.#graceMs);
        return;
      } catch (error) {
        this.#log.warn('container not stopped yet', { error });
        await pause(1_000, undefined, { ref: false });
      }
    }
  }
}

const NO_ENVIRONMENTS =
  'This runner builds no images of environments: that takes a Docker engine of its own (RUNNER_BACKEND=docker).';

const NEVER_RAN: ContainerExit = { code: null, signal: null, outOfMemory: false, log: '' };

const wantsClone = ({ workspace }: Launch): boolean => repositoriesOf(workspace).length > 0;
