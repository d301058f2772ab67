import type { BackendHealth, BackendName, PlacementKey } from '../../protocol/link/runner-control.ts';
import type { Resources } from '../../protocol/api/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';
import type { SessionFolders } from '../lib/session-folders.ts';

/** Where things are, as the container's processes see them. */
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
  /** What this backend alone needs in Claude Code's environment. */
  env: Record<string, string>;
}

/** User and group of the container's processes, where they are not the runner's own. */
export interface Owner {
  uid: number;
  gid: number;
}

export interface StartFailure {
  code: 'engine_unavailable' | 'image_missing' | 'container_start_failed';
  /** For the session's user: what happened, and what to do. */
  detail: string;
}
export type StartResult = { ok: true } | { ok: false; failure: StartFailure };

/** How a container ended. */
export interface ContainerExit {
  code: number | null;
  signal: string | null;
  /** The kernel killed something in it for want of memory. */
  outOfMemory: boolean;
  /** The end of what its processes wrote to their log, at most `LOG_TAIL` characters. */
  log: string;
}

/** Characters kept of a dead container's log. */
export const LOG_TAIL = 2048;

export interface OwnContainer {
  key: PlacementKey;
  running: boolean;
}

/** Where containers run. A container is known by its (session, epoch) alone. */
export interface ContainerBackend {
  readonly name: BackendName;
  readonly owner: Owner | undefined;
  /** What runs in it cannot get out: limits hold, and the session's sockets are the only way to anywhere. */
  readonly sealed: boolean;
  /** The container has a kernel of its own (gVisor, a virtual machine), which stands in for some of the seal's guarantees. */
  readonly ownKernel: boolean;
  layout(folders: SessionFolders): ContainerLayout;
  health(): Promise<BackendHealth>;
  /**
   * Starts the container, idempotently: one that is there already is left as it is.
   * @param resources its limits; null: none, on a backend that is not `sealed`
   */
  start(key: PlacementKey, folders: SessionFolders, resources: Resources | null): Promise<StartResult>;
  /** SIGTERM, and after `graceMs` SIGKILL to all that is left; 0: SIGKILL at once. Resolves when it is done. */
  stop(key: PlacementKey, graceMs: number): Promise<void>;
  /** Resolves when the container has ended, at once for one that has, however long the engine is away meanwhile. */
  wait(key: PlacementKey): Promise<ContainerExit>;
  /** Removes what is left of an ended container, or a running one with all that runs in it. */
  remove(key: PlacementKey): Promise<void>;
  /** This runner's containers, ended ones too. @throws when the engine does not answer */
  list(): Promise<OwnContainer[]>;
  /** Lets go: what waits here is rejected, containers are left as they are. */
  close(): void;
}
