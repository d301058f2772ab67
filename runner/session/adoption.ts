import type { Reason } from '../../protocol/reason.ts';
import type { PlacementKey } from '../../protocol/link/runner-control.ts';
import type { ContainerBackend, OwnContainer } from '../backend/backend.ts';
import { endReason } from './container/end-reason.ts';
import type { FilesRegistry } from '../session-files/registry.ts';
import type { Log } from '../lib/log.ts';
import { placementName } from '../lib/placement-name.ts';
import { readPlacement, sessionFolders, type Placement } from '../lib/session-folders.ts';
import type { SessionHost } from './container/container-run.ts';
import type { SharedWorkspaces } from './shared-workspaces.ts';

export interface EarlierRunOptions {
  backend: Pick<ContainerBackend, 'list' | 'wait' | 'stop'>;
  /** The folder that has a folder for each session. */
  sessions: string;
  files: FilesRegistry;
  /** How long the local copies of parked sessions are kept, days. */
  localCopyDays: number;
  /** Containers that this process speaks for, by `placementName`. */
  hosts: ReadonlyMap<string, SessionHost>;
  shared: SharedWorkspaces;
  /** Speaks for a container that runs, from now on. */
  goOn: (key: PlacementKey, placement: Placement) => void;
  /** Tells the pool of a container's end. */
  ended: (key: PlacementKey, reason: Reason) => void;
  /** Removes what is left of a container. */
  forget: (key: PlacementKey) => Promise<void>;
  log: Log;
}

/** What an earlier runner process of this data folder left: its containers, and what it owed of the sessions' files. */
export class EarlierRun {
  readonly #options: EarlierRunOptions;
  #isKnown = false;

  constructor(options: EarlierRunOptions) {
    this.#options = options;
  }

  /** The engine has said which containers there are. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Goes on with it, as far as the engine answers; to be done before the pool is told what runs here. */
  async takeUp(): Promise<void> {
    const { hosts, shared, files } = this.#options;
    const left = await Promise.all(
      (await this.#list()).map(async (one) => ({ ...one, own: await this.#placementOf(one.key) })),
    );
    const running = left.filter((one) => one.running);
    const workedIn = new Set(running.flatMap(({ own }) => own?.workspace_of ?? []));
    if (this.#isKnown) await this.#takeUpFiles([...running.map(({ key }) => key.session_id), ...workedIn]);
    const sharers = left.filter(({ own }) => own?.workspace_of !== undefined);
    for (const some of [sharers, left.filter((one) => !sharers.includes(one))])
      await Promise.all(some.map((one) => this.#adopt(one)));
    // Containers that died with nobody to see it: others may work in their files still, which are saved after that.
    const here = new Set([...hosts.values()].map((host) => host.key.session_id));
    const died = [...workedIn].filter((id) => !here.has(id));
    await Promise.all(died.map((id) => shared.end(id).then(async () => (await files.of(id)).ended())));
  }

  /** The engine answers only now. Its containers were named in no `hello`, so the pool has given them up: they go. */
  async giveUp(): Promise<void> {
    const { hosts, forget } = this.#options;
    const strays = (await this.#list()).filter(({ key }) => !hosts.has(placementName(key)));
    await Promise.all(strays.map(({ key }) => forget(key)));
    if (this.#isKnown) await this.#takeUpFiles([]);
  }

  /** Own containers; none, for now, with the engine down. */
  async #list(): Promise<OwnContainer[]> {
    try {
      const left = await this.#options.backend.list();
      this.#isKnown = true;
      return left;
    } catch (error) {
      this.#options.log.warn('containers of an earlier run cannot be listed yet', { error });
      return [];
    }
  }

  async #placementOf({ session_id, epoch }: PlacementKey): Promise<Placement | undefined> {
    const placement = await readPlacement(sessionFolders(this.#options.sessions, session_id));
    return placement?.epoch === epoch ? placement : undefined;
  }

  async #adopt({ key, running, own }: OwnContainer & { own: Placement | undefined }): Promise<void> {
    const { backend, shared, files, goOn, ended } = this.#options;
    if (!running) {
      // It died with nobody to hear it. Its reason is still there, and stays until the pool has it.
      const exit = await backend.wait(key);
      return ended(key, endReason({ exit, asked: undefined, refused: undefined, resources: own?.resources ?? null }));
    }
    if (own !== undefined) return goOn(key, own);
    await backend.stop(key, 0);
    await shared.end(key.session_id);
    await (await files.of(key.session_id)).ended();
    const detail = 'The runner was restarted and lost what it needs to speak for this container.';
    ended(key, { code: 'runner_lost', detail });
  }

  /** What is owed of the sessions' files. The containers, but for these sessions', are gone. */
  async #takeUpFiles(running: readonly string[]): Promise<void> {
    const { files, localCopyDays, log } = this.#options;
    await files.takeUp(new Set(running));
    void files.tidy(localCopyDays).catch((error: unknown) => log.error('local copies not looked through', { error }));
  }
}
