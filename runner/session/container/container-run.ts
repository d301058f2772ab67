import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Launch, PlacementKey, RunnerFrame } from '../../../protocol/link/runner-control.ts';
import type { Reason } from '../../../protocol/reason.ts';
import type { ContainerBackend, ContainerExit } from '../../backend/backend.ts';
import { endReason, type Asked, type Ending } from './end-reason.ts';
import { HOSTS_FILE, RESOLVER_FILE } from '../../backend/container-spec.ts';
import { hostsFile, RESOLVER } from '../../egress/policy/forward-hosts.ts';
import { CA_FILE, launchFile, PROXY_SOCKET } from './launch-file.ts';
import { messageOf, type Log } from '../../lib/log.ts';
import { openModelGateway, type ModelGateway } from '../../model/gateway.ts';
import type { ModelHandler } from '../../model/exchange.ts';
import type { ModelUpstream } from '../../model/upstream.ts';
import { Relay } from '../../link/relay.ts';
import type { LocalFiles } from '../../session-files/local-files.ts';
import {
  makeSessionFolders,
  writeLaunchFile,
  writePlacement,
  writeRunFile,
  type Placement,
  type SessionFolders,
} from '../../lib/session-folders.ts';
import type { SocketAliases } from '../../link/socket-alias.ts';
import {
  containerAuthorities,
  openWayOut,
  planWayOut,
  type EgressSurroundings,
  type WayOutPlan,
} from './session-egress.ts';
import { WorkspaceWatch } from './workspace-watch.ts';

/** What all of a runner's sessions share. */
export interface HostSurroundings {
  backend: ContainerBackend;
  upstream: ModelUpstream;
  newModelHandler: () => ModelHandler;
  aliases: SocketAliases;
  edgeUrl: string;
  /** The operator's own settings for Claude Code. */
  claudeEnv: Record<string, string>;
  egress: EgressSurroundings;
  log: Log;
}

export interface SessionHostOptions extends HostSurroundings {
  key: PlacementKey;
  folders: SessionFolders;
  files: () => Promise<LocalFiles>;
  /** Its token, its limits, and what its way out is made from. */
  placement: Placement;
  /** Absent: the container runs already, started by an earlier runner process. */
  launch: Launch | undefined;
  /** The session's folders are free: its earlier container is gone. */
  after: Promise<unknown>;
  /** Ends other sessions' containers that work in this one's workspace. Resolves when they are gone. */
  endSharers: () => Promise<void>;
  onStarted: () => void;
}

/** A stopped container's time to end by itself, milliseconds: claude's 5 s, then 8 s for its last words to be stored. */
export const STOP_GRACE_MS = 14_000;
/** A container's that fills the disk: its last words alone are waited for. */
const FULL_GRACE_MS = 3_000;

/** One launch of a session: its folders, sockets and container, from start to end. */
export class SessionHost {
  readonly key: PlacementKey;
  /** The container is gone, and all that it said has been stored (or nobody will ever want it). Never rejects. */
  readonly ended: Promise<Reason>;
  /** The container is gone, and its folders and sockets are free. Never rejects. */
  readonly released: Promise<void>;
  readonly #options: SessionHostOptions;
  readonly #log: Log;
  #files: LocalFiles | undefined;
  #relay: Relay | undefined;
  #gateway: ModelGateway | undefined;
  /** Calls to the model are held back: as the session last said. */
  #modelHeld = false;
  #wayOut: { close(): Promise<void> } | undefined;
  #workspace: WorkspaceWatch | undefined;
  #diskMb: number | undefined;
  #plan: WayOutPlan | undefined;
  #alias: { release(): Promise<void> } | undefined;
  #phase: 'starting' | 'running' | 'gone' = 'starting';
  #asked: Asked | undefined;
  #refused: Ending['refused'];
  /** It was stopped: what it waits for need not be done. */
  readonly #unwanted = new AbortController();
  /** The edge's count of what may change the files has come to be true. */
  #launched = false;
  /** The container is to clone a repository, and then waits. */
  #clones = false;
  /** It said that it has. */
  #cloned = false;
  #grace = STOP_GRACE_MS;
  #abandoned = false;
  #detached = false;
  #release: () => void = () => {};

  constructor(options: SessionHostOptions) {
    this.#options = options;
    this.key = options.key;
    this.#log = options.log.with({ session: options.key.session_id, epoch: options.key.epoch });
    this.released = new Promise((resolve) => (this.#release = resolve));
    this.ended = this.#run();
  }

  get running(): boolean {
    return this.#phase === 'running';
  }

  /** What the session is told of its container. */
  get started(): Pick<Extract<RunnerFrame, { kind: 'started' }>, 'resources' | 'exposed_secrets'> {
    return { resources: this.#options.placement.resources, exposed_secrets: this.#plan?.exposedNames ?? [] };
  }

  /** The session in whose workspace its container works; undefined: its own. */
  get workspaceOf(): string | undefined {
    return this.#options.placement.workspace_of;
  }

  /** Its files are as its container has them, and stay so for now: another's may work there as well. */
  get canShare(): boolean {
    const adopted = this.#phase === 'starting' && this.#options.launch === undefined;
    return (adopted || this.#phase === 'running') && this.#asked === undefined;
  }

  /** It has, or is about to have, a container. */
  get holdsPlace(): boolean {
    return this.#phase !== 'gone';
  }

  /** Ends the container, gently for `graceMs`; the first reason given stands. Returns at once: see `ended`. */
  stop(asked: Asked, graceMs: number): void {
    if (this.#phase === 'gone') return;
    this.#asked ??= asked;
    this.#grace = Math.min(this.#grace, graceMs);
    this.#unwanted.abort();
    if (this.#phase === 'running') void this.#end();
  }

  /** Nobody wants what is not stored yet: `ended` waits for the container alone. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await this.#relay?.close();
  }

  /** Lets go of the container, which runs on for the next runner process to adopt. */
  async detach(): Promise<void> {
    this.#detached = true;
    await this.#close();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#workspace?.close(), this.#wayOut?.close()]);
    await Promise.all([this.#relay?.close(), this.#gateway?.close(), this.#alias?.release()]);
  }

  async #run(): Promise<Reason> {
    try {
      await this.#options.after;
      this.#files = await this.#options.files();
      return await this.#live(this.#files);
    } catch (error) {
      // What waited was let go of, and the container is left to the next runner process.
      if (this.#detached) return { code: 'runner_lost', detail: 'The runner let go of the container.' };
      this.#log.error('session host failed', { error });
      await this.#options.backend.remove(this.key).catch((error: unknown) => {
        this.#log.error('container not removed', { error });
      });
      await this.#close();
      const code = this.#phase === 'starting' ? 'container_start_failed' : 'container_exited';
      return { code, detail: `The runner could not run the container: ${messageOf(error)}`.slice(0, 2048) };
    } finally {
      this.#phase = 'gone';
      if (!this.#detached) await this.#saveFiles();
      this.#release();
    }
  }

  /** The container is gone, or never came to be: its files are as it left them. */
  async #saveFiles(): Promise<void> {
    const files = this.#files;
    const { launch, endSharers } = this.#options;
    if (launch !== undefined && !this.#launched) return files?.notLaunched();
    // First: what they wrote is to be saved, and nothing is to be written after that.
    await endSharers();
    await files
      ?.ended()
      .catch((error: unknown) => this.#log.error('the session’s files are not looked after', { error }));
  }

  async #live(files: LocalFiles): Promise<Reason> {
    const { backend, launch, folders, placement, egress } = this.#options;
    const never = { code: null, signal: null, outOfMemory: false, log: '' };
    // One that was taken up runs, and has its last words stored before it ends.
    if (launch !== undefined && this.#asked !== undefined) return this.#reason(never);
    const planned = await planWayOut(placement, egress, backend.sealed);
    if (!planned.ok) {
      // Taken up from an earlier runner process, whose operator has taken something away since.
      if (launch === undefined) await backend.stop(this.key, 0);
      return planned.reason;
    }
    this.#plan = planned.plan;
    const prepared = launch && (await files.prepare(launch.files, true, this.#unwanted.signal));
    // While its files were fetched.
    if (launch !== undefined && this.#asked !== undefined) return this.#reason(never);
    if (prepared?.ok === false) return prepared.reason;
    if (launch !== undefined) {
      this.#clones = wantsClone(launch) && (await files.toClone(launch.files));
      this.#launched = true;
    }
    // The disk is waited for while the sockets are opened. Both settle before an error is seen: what opened must be there to be closed.
    const noted = launch && files.launched(launch.files, this.#clones);
    for (const result of await Promise.allSettled([noted, this.#open(planned.plan)]))
      if (result.status === 'rejected') throw result.reason;
    if (prepared?.restored !== undefined) this.#relay?.notify([prepared.restored]);
    if (launch === undefined) this.#adoptClone(files);
    // Before the container, so that what it writes is not taken for what was there.
    this.#watchWorkspace();
    if (launch !== undefined) {
      const result = await backend.start(this.key, folders, placement.resources);
      if (!result.ok) {
        this.#log.warn('container did not start', { ...result.failure });
        await this.#close();
        return result.failure;
      }
    }
    this.#phase = 'running';
    this.#log.info(launch === undefined ? 'container adopted' : 'container started');
    this.#options.onStarted();
    // Asked for while it started.
    if (this.#asked !== undefined || this.#refused !== undefined || this.#diskMb !== undefined) void this.#end();

    const exit = await backend.wait(this.key);
    // First, so that its last decisions are among what has to be stored.
    await Promise.all([this.#workspace?.close(), this.#wayOut?.close()]);
    await this.#relay?.containerEnded();
    await Promise.all([this.#gateway?.close(), this.#alias?.release()]);
    this.#phase = 'gone';
    await this.#saveFiles();
    this.#release();
    await this.#relay?.drained();
    await this.#relay?.close();
    const reason = this.#reason(exit);
    this.#log.info('container ended', { code: reason.code, exit: exit.code, signal: exit.signal });
    return reason;
  }

  /** An earlier runner process may have heard that the clone is done, and died before the container did of it. */
  #adoptClone(files: LocalFiles): void {
    const clone = files.state?.clone ?? 'none';
    if (clone === 'cloned') this.#goOn();
    else if (clone === 'done') this.#relay?.go();
  }

  /** What was cloned is kept as what the agent began with; then the wrapper may go on. */
  #goOn(): void {
    if (this.#cloned) return;
    this.#cloned = true;
    this.#files?.cloned().then(
      () => this.#relay?.go(),
      (error: unknown) => this.#log.error('the session waits after its clone', { error }),
    );
  }

  #holdModel(held: boolean): void {
    if (held === this.#modelHeld) return;
    this.#modelHeld = held;
    this.#log.info(held ? 'calls to the model are held back' : 'calls to the model go on');
    this.#gateway?.hold(held);
  }

  #reason(exit: ContainerExit): Reason {
    const { resources } = this.#options.placement;
    return endReason({ exit, asked: this.#asked, refused: this.#refused, diskMb: this.#diskMb, resources });
  }

  #watchWorkspace(): void {
    const { folders, placement } = this.#options;
    const limitMb = placement.resources?.workspace_mb ?? null;
    if (limitMb === null) return;
    this.#workspace = new WorkspaceWatch({
      // Both are the agent's to fill; another session's workspace is counted for that one.
      folders: placement.workspace_of === undefined ? [folders.workspace, folders.claude] : [folders.claude],
      limitMb,
      onFull: (usedMb) => {
        this.#diskMb = usedMb;
        this.#grace = Math.min(this.#grace, FULL_GRACE_MS);
        if (this.#phase === 'running') void this.#end();
      },
      log: this.#log,
    });
  }

  /** Folders, sockets and `launch.json`; the session is dialled meanwhile. */
  async #open(plan: WayOutPlan): Promise<void> {
    const { backend, folders, launch, upstream, aliases, edgeUrl, placement, claudeEnv, egress } = this.#options;
    const clone = this.#clones;
    await makeSessionFolders(folders, backend.owner);
    const alias = await aliases.for(folders.run);
    this.#alias = alias;
    const openRelay = async (): Promise<void> => {
      this.#relay = await Relay.open({
        linkPath: path.join(alias.path, 'link.sock'),
        epoch: this.key.epoch,
        url: `${edgeUrl}/api/v1/runner/sessions/${this.key.session_id}/data`,
        token: placement.token,
        fresh: launch !== undefined,
        log: this.#log,
        onRefused: (why) => {
          this.#refused ??= why;
          if (this.#phase === 'running') void this.#end();
        },
        onNotice: ({ notice }) => {
          if (notice === 'cloned') this.#goOn();
        },
        onModelPaused: (held) => this.#holdModel(held),
      });
      if (this.#abandoned) await this.#relay.close();
      // After it: what the way out decides is the relay's to tell.
      if (backend.sealed) await openEgress(this.#relay);
    };
    const openEgress = async (relay: Relay): Promise<void> => {
      this.#wayOut = await openWayOut({
        plan,
        surroundings: egress,
        socketPath: path.join(alias.path, PROXY_SOCKET),
        tell: (notices) => relay.notify(notices),
        log: this.#log,
      });
    };
    const openGateway = async (): Promise<void> => {
      this.#gateway = await openModelGateway({
        socketPath: path.join(alias.path, 'model.sock'),
        handler: this.#options.newModelHandler(),
        log: (level, message) => this.#log[level]('model gateway', { message }),
      });
      // Said while it was opened.
      this.#gateway.hold(this.#modelHeld);
    };
    const write = async (): Promise<void> => {
      if (launch === undefined) return;
      const layout = backend.layout({ ...folders, run: alias.path });
      const { sealed, ownKernel } = backend;
      const { forwards } = plan;
      // What the operator exposes by name is stronger than what is found.
      const exposedEnv = { ...(sealed && plan.packageEnv), ...plan.exposedEnv };
      const input = { launch, folders, layout, upstream, claudeEnv, sealed, ownKernel, forwards, exposedEnv, clone };
      const writeSealed = async (): Promise<void> => {
        await Promise.all([
          writeRunFile(folders, HOSTS_FILE, hostsFile(forwards)),
          writeRunFile(folders, RESOLVER_FILE, RESOLVER),
          writeRunFile(folders, CA_FILE, containerAuthorities(plan, egress)),
        ]);
      };
      await Promise.all([
        launchFile(input).then((file) => writeLaunchFile(folders, backend.owner, file)),
        writePlacement(folders, placement),
        sealed ? writeSealed() : undefined,
      ]);
    };
    // All settle before an error is seen: what opened must be there to be closed.
    const done = await Promise.allSettled([openRelay(), openGateway(), write()]);
    for (const result of done) if (result.status === 'rejected') throw result.reason;
  }

  /** Ends the container, however often the engine has to be asked. */
  async #end(): Promise<void> {
    while (this.#phase === 'running') {
      try {
        await this.#options.backend.stop(this.key, this.#grace);
        return;
      } catch (error) {
        this.#log.warn('container not stopped yet', { error });
        await pause(1_000, undefined, { ref: false });
      }
    }
  }
}

function wantsClone({ workspace }: Launch): boolean {
  return workspace.type !== 'clone' && workspace.git_repo !== undefined;
}
