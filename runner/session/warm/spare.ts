import { randomUUID } from 'node:crypto';
import type { Launch, PlacementKey } from '../../../protocol/link/runner-control.ts';
import { launchConfig } from '../../../protocol/api/session/session-config.ts';
import { messageOf } from '../../lib/log.ts';
import { removeFolder } from '../../lib/disk/remove-folder.ts';
import { makeSessionFolders, sessionFolders, writeLaunchFile } from '../../lib/session-folders.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';
import type { ContainerDependencies } from '../container/container-sockets.ts';
import { writeSpareFolder } from '../container/run-folder.ts';
import { claimFolders, giveUpClaim } from './claim-folders.ts';
import type { Claimed, ClaimRequest } from './claim-request.ts';
import type { Profile } from './profile.ts';
import { SpareLine } from './spare-line.ts';

/** Milliseconds that a session waits for the `claude` of a spare that has only begun. After that it starts cold. */
const PARK_MS = 15_000;
/** Milliseconds until a wrapper must have read its claim. It does nothing else meanwhile. */
const WAKE_MS = 5_000;

export interface SpareOptions {
  readonly dependencies: ContainerDependencies;
  /** The folder that has a folder for each spare. */
  readonly spares: string;
  readonly profile: Profile;
  /** Its `claude` waits. */
  readonly onParked: () => void;
  /** It has ended, and no session has taken it. It may be called twice. */
  readonly onGone: (why: string) => void;
}

/** One container that waits for a session. It is claimed once, or never. */
export class Spare {
  readonly id = randomUUID();
  readonly profile: Profile;
  readonly began = performance.now();
  readonly #options: SpareOptions;
  readonly #folders: SessionFolders;
  readonly #key: PlacementKey;
  readonly #stopped = new AbortController();
  /** Its container runs, or why not. */
  readonly #started: Promise<string | undefined>;
  #line: SpareLine | undefined;
  #alias: { path: string; release(): Promise<void> } | undefined;
  /** A session takes it, or has tried to. */
  #isTaken = false;
  /** Nobody is to hear of its end: a session takes it, or the runner ends it. */
  #isSilent = false;

  constructor(options: SpareOptions) {
    this.#options = options;
    this.profile = options.profile;
    this.#key = { session_id: this.id, epoch: 1 };
    this.#folders = sessionFolders(options.spares, this.id);
    this.#started = this.#start().catch(messageOf);
    void this.#started.then((why) => {
      if (why !== undefined) this.#gone(why);
    });
  }

  /** Its `claude` waits. */
  get isParked(): boolean {
    return this.#line?.isParked === true;
  }

  /**
   * Makes it the session's container. Called once.
   *
   * @returns why it cannot be: the session's folders and files are then as if it had never been tried
   */
  async claim(request: ClaimRequest): Promise<Claimed | { why: string }> {
    this.#isTaken = true;
    this.#isSilent = true;
    const { backend, log } = this.#options.dependencies;
    const { folders, launchFile } = request;
    let key = this.#key;
    const fail = async (why: string): Promise<{ why: string }> => {
      await backend.remove(key).catch((error: unknown) => log.warn('spare not removed', { spare: this.id, error }));
      await this.#close();
      await giveUpClaim(this.#folders, folders);
      await writeLaunchFile(folders, backend.owner, launchFile);
      return { why };
    };
    const notParked = (await this.#started) ?? (await this.#line?.parked(PARK_MS));
    if (notParked !== undefined) return await fail(notParked);
    try {
      await claimFolders(this.#folders, folders, backend.spares?.keepsPaths === true);
      // From here on the wrapper may find it, also when this process dies.
      await writeLaunchFile(folders, backend.owner, { ...launchFile, spare: this.id });
      const session = { key: request.key, folders };
      const unfit = await backend.spares?.claim({ key, folders: this.#folders }, session, request.image?.id);
      if (unfit === undefined) key = request.key;
      const notTaken = unfit ?? (await this.#line?.wake(WAKE_MS));
      if (notTaken === undefined) {
        await this.#line?.close();
        return { spare: this.id, release: () => this.#release() };
      }
      return await fail(notTaken);
    } catch (error) {
      return await fail(messageOf(error));
    }
  }

  /** Ends it, if no session has it. Resolves when nothing of it is left. @throws when the engine does not answer: try again */
  async end(): Promise<void> {
    if (this.#isTaken) return;
    this.#isSilent = true;
    this.#stopped.abort();
    await this.#started;
    await this.#options.dependencies.backend.remove(this.#key);
    await this.#close();
  }

  async #start(): Promise<string | undefined> {
    const { profile, dependencies } = this.#options;
    const { backend, aliases } = dependencies;
    await makeSessionFolders(this.#folders, backend.owner);
    this.#alias = await aliases.for(this.#folders.run);
    this.#line = await SpareLine.open(this.#alias.path, {
      parked: () => this.#options.onParked(),
      gone: (why) => this.#gone(why),
    });
    const { image, resources, packageEnv, forgeEnv, trustsRunner } = profile;
    await writeSpareFolder({
      ...dependencies,
      folders: this.#folders,
      launch: spareLaunch(this.id, profile),
      plan: { forwards: [], wire: [], exposedEnv: {}, forgeEnv, packageEnv },
      trustsRunner,
      clone: false,
      image,
      resources,
      runPath: this.#alias.path,
    });
    const { signal } = this.#stopped;
    const options = { signal, onWaiting: () => {}, image: image?.id, spare: true };
    const result = await backend.start(this.#key, this.#folders, resources, options);
    if (!result.ok) return result.failure.detail;
    // One of an image of an earlier version does not even say that it cannot be a spare.
    void backend.wait(this.#key).then(
      ({ code, signal: by, log }) => this.#line?.ended(`its container has ended (${by ?? code}): ${log.trim()}`),
      (error: unknown) => dependencies.log.debug('spare not waited for', { spare: this.id, error }),
    );
    return undefined;
  }

  #gone(why: string): void {
    if (this.#isSilent) return;
    this.#options.onGone(why);
  }

  async #close(): Promise<void> {
    await this.#line?.close();
    await this.#release();
  }

  /** What is left of it on the disk. */
  async #release(): Promise<void> {
    await removeFolder(this.#folders.root);
    await this.#alias?.release();
  }
}

/** What a launch of nobody's session would say. Its token opens nothing, and it has no link to a session anyway. */
function spareLaunch(id: string, { permissions, max_turns, tools }: Profile): Launch {
  return {
    session_id: id,
    epoch: 1,
    token: '',
    resume: false,
    config: launchConfig.parse({ ...permissions, max_turns, agent_tools: [] }),
    more_tools: [...tools],
    workspace: { type: 'ephemeral' },
    files: {
      owner: '0'.repeat(64),
      version: 1,
      local: 'preferred',
      workspace: null,
      conversation: null,
      start: null,
      fork_of: null,
      quota_bytes: null,
    },
  };
}
