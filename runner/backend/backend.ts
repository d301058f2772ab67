import type { BackendHealth, BackendName, PlacementKey } from '../../protocol/link/runner-control.ts';
import type { Reason } from '../../protocol/reason.ts';
import type { Resources } from '../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { Measure } from '../lib/disk/usage.ts';
import type { Owner, SessionFolders } from '../lib/session-folders.ts';

/** The paths of things, as the container's processes see them. */
export interface ContainerLayout {
  claude: string;
  /** Working directory of `claude`. */
  workspace: string;
  /** Claude Code's configuration and transcripts. */
  claudeConfig: string;
  /** The run folder: `launch.json` and the sockets. */
  run: string;
  home: string;
  tmp: string;
  /** `PATH`. */
  path: string;
  /** MCP servers and skills that a session can name; undefined: none. */
  offers: WrapperLaunch['offers'] | undefined;
  /** Variables of Claude Code's environment that only this backend needs. */
  env: Record<string, string>;
}

export interface StartFailure {
  code: 'engine_unavailable' | 'image_missing' | 'container_start_failed' | 'no_capacity';
  /** For the session's user: what happened, and what to do. */
  detail: string;
}
export interface StartOptions {
  /** Aborted: nobody wants the container any more. Who waits for room then stops to. */
  signal: AbortSignal;
  /** There is no room for it yet. Said again as long as that is so. */
  onWaiting: (reason: Reason) => void;
  /** The id of the image to start from, on a backend that has images of environments. Absent: the session image. */
  image?: string | undefined;
  /** It is a spare: `key` is its own, and `spares.claim` gives it a session's. Absent: it is a session's. */
  spare?: boolean;
}
export type StartResult = { ok: true } | { ok: false; failure: StartFailure };

/** How a container ended. */
export interface ContainerExit {
  code: number | null;
  signal: string | null;
  /** The kernel killed a process in it, because memory ran out. */
  outOfMemory: boolean;
  /** Why it ended, where the engine knows more than the code says: sentences for the session's user. */
  engine?: string;
  /** It was gone before it could save what it wrote: its files are as they were saved last. */
  filesUnsaved?: true;
  /** Somebody else removed it from the engine. */
  removed?: true;
  /** The end of what its processes wrote to stdout and stderr, at most `LOG_TAIL` characters. */
  log: string;
}

/** Characters kept of a dead container's log. */
export const LOG_TAIL = 2048;

export interface OwnContainer {
  key: PlacementKey;
  running: boolean;
  /** No session has claimed it. Absent: it is a session's. */
  spare?: true;
}

/** A container by its key, and its folders. */
export interface OwnedFolders {
  readonly key: PlacementKey;
  readonly folders: SessionFolders;
}

/** Runs containers. The key of a container is its (session, epoch). */
export interface ContainerBackend {
  readonly name: BackendName;
  readonly owner: Owner | undefined;
  /**
   * What keeps a container in: the session's sockets are its only way out, and its limits are enforced. null: nothing does, and
   * it has no limits. `runner`: it has a network card, which reaches this address and nothing else; null: it has none.
   */
  readonly seal: { readonly runner: { readonly host: string; readonly port: number } | null } | null;
  /** The container has a kernel of its own (gVisor, a virtual machine), which takes the place of some guarantees of the seal. */
  readonly ownKernel: boolean;
  layout(folders: SessionFolders): ContainerLayout;
  health(): Promise<BackendHealth>;
  /** A container works in the session's folders themselves. Else they are a copy, which `syncFiles` brings up to date. */
  readonly hasFilesHere: boolean;
  /** What the engine does not limit of a container, so that its wrapper has to, before anything starts. Absent: nothing. */
  readonly ownLimits?: (resources: Resources) => NonNullable<WrapperLaunch['limits']>;
  /**
   * The line to the machines of its containers, which can break while they run on: by the key, whether a container's connections
   * lead here at the moment; and for how long they may not, milliseconds. Absent: they run on this machine.
   */
  readonly line?: { isUp: (key: PlacementKey) => boolean; lostAfterMs: number };
  /** Absent: a container is started for its session alone. */
  readonly spares?: {
    /**
     * Makes a spare that runs the session's: from now on it has the session's key, also for the next runner process. Its folders
     * have become the session's already.
     *
     * @param image as it was started with
     * @returns undefined: it is the session's; or why it cannot be
     * @throws when the engine does not answer
     */
    claim(spare: OwnedFolders, session: OwnedFolders, image: string | undefined): Promise<string | undefined>;
    /** Containers find their folders by the paths on this machine: a spare's must lead to the session's once they are that. */
    readonly keepsPaths: boolean;
  };
  /** `pause` works. Where it does not, what a container does to its files is not watched from outside. */
  readonly canPause: boolean;
  /**
   * Starts the container. Idempotent: a container that exists already stays as it is.
   * @param resources its limits; null: none, on a backend without a `seal`
   */
  start(
    key: PlacementKey,
    folders: SessionFolders,
    resources: Resources | null,
    options: StartOptions,
  ): Promise<StartResult>;
  /**
   * Goes on with a container that an earlier runner process started, as if this one had: it may have been left paused.
   *
   * @throws when the engine does not answer
   */
  adopt(key: PlacementKey, folders: SessionFolders): Promise<void>;
  /**
   * Sends SIGTERM, and after `graceMs` SIGKILL to all that is left; 0: SIGKILL at once, where the engine can. Resolves when that
   * is done.
   */
  stop(key: PlacementKey, graceMs: number): Promise<void>;
  /**
   * Holds all of its processes where they are, until `resume`. Only of a backend that `canPause`.
   *
   * @throws when there is no container that runs, or the engine does not answer
   */
  pause(key: PlacementKey): Promise<void>;
  /** Lets a paused container go on. One that is not paused, or is gone, is none of its business. */
  resume(key: PlacementKey): Promise<void>;
  /**
   * How many processes and threads it has; null: they are not counted.
   *
   * @throws when the engine does not answer
   */
  processes(key: PlacementKey): Promise<number | null>;
  /** Measures files with root's rights, when the runner has not got them and the kernel gives it none; absent: nothing can. */
  readonly privilegedMeasure?: Measure;
  /**
   * What the running container has written so far is in the folders.
   *
   * @throws when it cannot be had
   */
  syncFiles(key: PlacementKey, folders: SessionFolders): Promise<void>;
  /** Resolves when the container has ended, and what it left is in the session's folders. It keeps waiting while the engine does not answer. */
  wait(key: PlacementKey): Promise<ContainerExit>;
  /** Removes the container. One that still runs is killed first. */
  remove(key: PlacementKey): Promise<void>;
  /** This runner's containers, ended ones too. @throws when the engine does not answer */
  list(): Promise<OwnContainer[]>;
  /** Detaches from all containers, which run on. Calls of `wait` reject. */
  close(): Promise<void>;
}
