import type { Resources } from '../../../protocol/api/session/session-config.ts';
import { repositoriesOf } from '../../../protocol/api/files/workspace.ts';
import type { Launch, PlacementKey, RunnerFrame } from '../../../protocol/link/runner-control.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { ContainerExit } from '../../backend/backend.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import { removeTemporary } from '../../lib/session-folders.ts';
import type { LocalFiles } from '../../session-files/local-files.ts';
import { ContainerSockets } from './container-sockets.ts';
import { endReason, NEVER_RAN, type EndFacts, type StopCause, type WhyEnded } from './end-reason.ts';
import type { SessionImage } from './session-image.ts';
import { planEgress, type EgressPlan } from './session-egress.ts';
import { AfterClone } from './run/after-clone.ts';
import { endContainer } from './run/end-container.ts';
import { machineOf } from './run/machine-of.ts';
import type { ContainerRunOptions } from './run/run-options.ts';
import { FULL_GRACE_MS, STOP_GRACE_MS } from './run/stop-grace.ts';
import { watchWorkspace } from './run/watch-workspace.ts';
import type { WorkspaceWatch } from './workspace-watch.ts';

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
  readonly #afterClone: AfterClone;
  #files: LocalFiles | undefined;
  #workspace: WorkspaceWatch | undefined;
  #plan: EgressPlan | undefined;
  #phase: 'starting' | 'running' | 'ended' = 'starting';
  /** What is known of why it ends. */
  readonly #why: WhyEnded = { stopCause: undefined, refused: undefined };
  /** Aborted by a stop: what the start waits for is not needed any more. */
  readonly #stopped = new AbortController();
  /** The container may have changed the files: the edge counts the launch as a new version of them. */
  #launched = false;
  /** The container is to clone a repository, and to wait afterwards. */
  #clones = false;
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
        this.#why.refused ??= why;
        if (this.#phase === 'running') void this.#end();
      },
      onCloned: (how) => this.#afterClone.take(how),
      onUnresponsive: (why) => void this.#giveUp(why),
    });
    this.#afterClone = new AfterClone({ files: () => this.#files, go: () => this.#sockets.go(), log: this.#log });
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
    return (adopting || this.#phase === 'running') && this.#why.stopCause === undefined;
  }

  /** The limits of its container; null: none. */
  get resources(): Resources | null {
    return this.#options.placement.resources;
  }

  /** It has a container, or is about to have one. */
  get holdsPlace(): boolean {
    return this.#phase !== 'ended';
  }

  /** Stops the container and gives it `graceMs` to end. The first cause given stands. Returns at once: see `ended`. */
  stop(cause: StopCause, graceMs: number): void {
    if (this.#phase === 'ended') return;
    this.#why.stopCause ??= cause;
    this.#stopped.abort();
    this.#endWithin(graceMs);
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
      const removed = this.#options.backend.remove(this.key);
      await removed.catch((error: unknown) => this.#log.error('container not removed', { error }));
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
    if (launch !== undefined && this.#why.stopCause !== undefined) return this.#reason(NEVER_RAN);
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
    const isEnding =
      this.#why.stopCause !== undefined || this.#why.refused !== undefined || this.#why.full !== undefined;
    if (isEnding || this.#why.givenUp !== undefined) void this.#end();

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
    if (this.#why.stopCause !== undefined) return this.#reason(NEVER_RAN);
    if (!prepared.ok) return prepared.reason;
    this.#clones = repositoriesOf(launch.workspace).length > 0 && files.clone.isDue;
    this.#launched = true;
    const notify = (notices: RunnerNotice[]): void => this.#sockets.notify(notices);
    // The record is written while the sockets open. Wait for both before an error is thrown, so that `close` finds what opened.
    const [recorded, opened] = await Promise.allSettled([
      files.launched(launch.files, this.#clones),
      this.#sockets.open(
        plan,
        this.#clones,
        machineOf(this.#options, launch, plan, { signal: this.#stopped.signal, notify }),
      ),
    ]);
    for (const result of [recorded, opened])
      if (result.status === 'rejected' && this.#why.stopCause === undefined) throw result.reason;
    if (this.#why.stopCause !== undefined || opened.status === 'rejected') {
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
    const claimed = await this.#claim(launch, plan, found?.image);
    if (claimed) return undefined;
    const result = await backend.start(this.key, folders, placement.resources, {
      signal: this.#stopped.signal,
      onWaiting: (reason) => this.#sockets.notify([{ host_notice: 'waiting', reason }]),
      image: found?.image?.id,
    });
    if (result.ok) return undefined;
    if (this.#why.stopCause !== undefined) {
      await this.#close();
      return this.#reason(NEVER_RAN);
    }
    this.#log.warn('container did not start', { ...result.failure });
    await this.#close();
    return result.failure;
  }

  /** Takes a spare, if one fits. What the session needs is in its folders by now. */
  async #claim(launch: Launch, plan: EgressPlan, image: SessionImage | undefined): Promise<boolean> {
    const { claim, folders, placement } = this.#options;
    const { launchFile } = this.#sockets;
    if (claim === undefined || launchFile === undefined) return false;
    const { key } = this;
    const claimed = await claim({ key, folders, launch, plan, image, launchFile, resources: placement.resources });
    if (claimed === undefined) return false;
    void this.released.then(() => claimed.release());
    this.#log.info('spare claimed', { spare: claimed.spare });
    return true;
  }

  /** Opens the sockets of a container that an earlier runner process started. */
  async #adopt(files: LocalFiles, plan: EgressPlan): Promise<undefined> {
    await this.#options.backend.adopt(this.key, this.#options.folders);
    await this.#sockets.open(plan, false);
    // The earlier process may have heard that the clone is done, and died before the container was told to continue.
    const clone = files.state?.clone ?? 'none';
    if (clone === 'cloned') this.#afterClone.take('cloned');
    else if (clone === 'done') this.#sockets.go();
    this.#watchWorkspace();
  }

  /** Ends a container whose wrapper does not answer, or cannot be reached. */
  async #giveUp(why: NonNullable<EndFacts['givenUp']>): Promise<void> {
    // First: a fork bomb leaves its wrapper no processor, and is gone afterwards.
    const counted = await this.#options.backend.processes(this.key).catch((error: unknown) => {
      this.#log.warn('processes not counted', { error });
      return null;
    });
    this.#why.processes = counted ?? undefined;
    this.#why.givenUp = why;
    // Nobody in it would do anything about a gentle stop.
    this.#endWithin(0);
  }

  /** What stays is in nobody's way, and counts for the session's limit. */
  async #removeTemporary(): Promise<void> {
    const removed = removeTemporary(this.#options.folders);
    await removed.catch((error: unknown) => this.#log.error('temporary files not removed', { error }));
  }

  #reason(exit: ContainerExit): Reason {
    const { placement, backend } = this.#options;
    return endReason({ ...this.#why, exit, lostAfterMs: backend.line?.lostAfterMs, resources: placement.resources });
  }

  #watchWorkspace(): void {
    this.#workspace = watchWorkspace({
      ...this.#options,
      folders: this.filled,
      setPaused: (on) => this.#sockets.setPaused(on),
      onFull: (full, isFlood) => {
        this.#why.full = full;
        this.#endWithin(isFlood ? 0 : FULL_GRACE_MS);
      },
      onStillWriting: () => this.#endWithin(0),
      log: this.#log,
    });
  }

  /** Ends the container if it runs, and gives it no more than these milliseconds. */
  #endWithin(graceMs: number): void {
    this.#graceMs = Math.min(this.#graceMs, graceMs);
    if (this.#phase === 'running') void this.#end();
  }

  async #end(): Promise<void> {
    const { backend } = this.#options;
    const isRunning = (): boolean => this.#phase === 'running';
    await endContainer({ isRunning, stop: () => backend.stop(this.key, this.#graceMs), log: this.#log });
  }
}
