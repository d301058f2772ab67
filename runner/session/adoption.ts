import type { Reason } from '../../protocol/reason.ts';
import type { PlacementKey } from '../../protocol/link/runner-control.ts';
import type { ContainerBackend, OwnContainer } from '../backend/backend.ts';
import type { Log } from '../lib/log.ts';
import { readPlacement, sessionFolders, type Placement } from '../lib/session-folders.ts';
import type { FilesRegistry } from '../session-files/registry.ts';
import type { ContainerRuns } from './container-runs.ts';
import { endReason } from './container/end-reason.ts';

export interface AdoptionOptions {
  backend: Pick<ContainerBackend, 'list' | 'wait' | 'stop' | 'remove'>;
  /** The folder that has a folder for each session. */
  sessions: string;
  files: FilesRegistry;
  /** How long the local copies of parked sessions are kept, days. */
  localCopyDays: number;
  runs: ContainerRuns;
  /** A container has ended that this process did not adopt. */
  onEnded: (key: PlacementKey, reason: Reason) => void;
  log: Log;
}

type FoundContainer = OwnContainer & { placement: Placement | undefined };

/** Adopts what an earlier runner process of this data folder left: its containers, and its unsaved files of sessions. */
export class Adoption {
  readonly #options: AdoptionOptions;
  #containersKnown = false;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** The engine has answered which containers there are. */
  get containersKnown(): boolean {
    return this.#containersKnown;
  }

  /** Adopts the containers, if the engine answers. To be done before the first `hello`, which names them. */
  async adopt(): Promise<void> {
    const { runs, files } = this.#options;
    const found = await Promise.all(
      (await this.#list()).map(async (one): Promise<FoundContainer> => ({
        ...one,
        placement: await this.#placementOf(one.key),
      })),
    );
    const running = found.filter((one) => one.running);
    const workspacesInUse = new Set(running.flatMap(({ placement }) => placement?.workspace_of ?? []));
    if (this.#containersKnown)
      await this.#adoptFiles([...running.map(({ key }) => key.session_id), ...workspacesInUse]);
    // First the containers that work in another session's workspace: when its own container turns out to be dead, they are
    // known and can be ended.
    const sharers = found.filter(({ placement }) => placement?.workspace_of !== undefined);
    for (const some of [sharers, found.filter((one) => !sharers.includes(one))])
      await Promise.all(some.map((one) => this.#adoptContainer(one)));
    // The workspaces of containers that died while no runner ran: others may still work in them. They end first, then the
    // files are saved.
    const here = new Set(runs.all().map((run) => run.key.session_id));
    const died = [...workspacesInUse].filter((id) => !here.has(id));
    await Promise.all(died.map((id) => runs.endSharers(id).then(async () => (await files.of(id)).ended())));
  }

  /** Removes the containers when the engine answers only now: no `hello` named them, so the pool has given them up. */
  async removeStrays(): Promise<void> {
    const { runs } = this.#options;
    const strays = (await this.#list()).filter(({ key }) => runs.get(key) === undefined);
    await Promise.all(strays.map(({ key }) => runs.remove(key)));
    if (this.#containersKnown) await this.#adoptFiles([]);
  }

  /** This runner's containers of sessions; none while the engine does not answer. Spares that no session has claimed are removed. */
  async #list(): Promise<OwnContainer[]> {
    const { backend } = this.#options;
    try {
      const found = await backend.list();
      const spares = found.filter(({ spare }) => spare === true);
      await Promise.all(spares.map(({ key }) => backend.remove(key)));
      this.#containersKnown = true;
      return found.filter((one) => !spares.includes(one));
    } catch (error) {
      this.#options.log.warn('containers of an earlier runner cannot be listed yet', { error });
      return [];
    }
  }

  async #placementOf({ session_id, epoch }: PlacementKey): Promise<Placement | undefined> {
    const placement = await readPlacement(sessionFolders(this.#options.sessions, session_id));
    return placement?.epoch === epoch ? placement : undefined;
  }

  async #adoptContainer({ key, running, placement }: FoundContainer): Promise<void> {
    const { backend, runs, files, onEnded } = this.#options;
    if (!running) {
      // It died while no runner ran. The container still has the reason, and stays until the pool has acknowledged it.
      const exit = await backend.wait(key);
      const resources = placement?.resources ?? null;
      return onEnded(key, endReason({ exit, stopCause: undefined, refused: undefined, resources }));
    }
    if (placement !== undefined) return runs.adopt(key, placement);
    await backend.stop(key, 0);
    await runs.endSharers(key.session_id);
    await (await files.of(key.session_id)).ended();
    const detail = 'The runner was restarted and lost what it needs to speak for this container.';
    onEnded(key, { code: 'runner_lost', detail });
  }

  /** Continues what the earlier process did with sessions' files. `running`: sessions whose files a container still uses. */
  async #adoptFiles(running: readonly string[]): Promise<void> {
    const { files, localCopyDays, log } = this.#options;
    await files.adopt(new Set(running));
    void files.tidy(localCopyDays).catch((error: unknown) => log.error('local copies not checked', { error }));
  }
}
