import { readdir } from 'node:fs/promises';
import { uuid } from '../../protocol/ids.ts';
import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { FilesDependencies } from './dependencies.ts';
import { LocalFiles } from './local-files.ts';
import { removeSessionFolders, sessionFolders } from '../lib/session-folders.ts';

const DAY_MS = 86_400_000;

/** The files of all sessions that this runner has, or has had. */
export class FilesRegistry {
  readonly #sessions: string;
  readonly #dependencies: FilesDependencies;
  readonly #open = new Map<string, Promise<LocalFiles>>();

  /** @param sessions the folder that has a folder for each session */
  constructor(sessions: string, dependencies: FilesDependencies) {
    this.#sessions = sessions;
    this.#dependencies = dependencies;
  }

  /** A session's files: always the same object. @throws when their record cannot be read */
  async of(sessionId: string): Promise<LocalFiles> {
    const known = this.#open.get(sessionId);
    if (known !== undefined) return await known;
    const opening = LocalFiles.open(sessionId, sessionFolders(this.#sessions, sessionId), this.#dependencies);
    this.#open.set(sessionId, opening);
    try {
      return await opening;
    } catch (error) {
      this.#open.delete(sessionId);
      throw error;
    }
  }

  /** Continues what an earlier runner process began. `running`: sessions whose files a container still uses. */
  async adopt(running: ReadonlySet<string>): Promise<void> {
    await this.#each(async (files, sessionId) => {
      await files.adopt(running.has(sessionId));
    });
  }

  /** Tries again to save what is not saved. Removes files that the storage has too and that nothing has touched for `days`. */
  async tidy(days: number): Promise<void> {
    const before = Date.now() - days * DAY_MS;
    await this.#each(async (files, sessionId) => {
      await files.retry();
      const touched = files.state?.touched_at;
      if (days === 0 || touched === undefined || Date.parse(touched) >= before || !files.removable) return;
      this.#dependencies.log.info('local copy of a parked session removed', { session: sessionId });
      await this.remove(sessionId);
    });
  }

  /** Stops all work on a session's files, and removes them. */
  async remove(sessionId: string): Promise<void> {
    const opening = this.#open.get(sessionId);
    await (await opening?.catch(() => undefined))?.close();
    await removeSessionFolders(sessionFolders(this.#sessions, sessionId));
    if (this.#open.get(sessionId) === opening) this.#open.delete(sessionId);
  }

  /** The edge has acknowledged this report. */
  async acknowledged(sessionId: string, snapshotId: string): Promise<void> {
    await (await this.#open.get(sessionId))?.acknowledged(snapshotId);
  }

  /** These trees are not in the storage any more. */
  async dropped(trees: readonly TreeName[]): Promise<void> {
    const ids = new Set(trees.map((tree) => tree.snapshot_id));
    for (const files of await this.#loaded()) await files.dropped(ids);
  }

  /** Snapshots that the edge may not know of yet. */
  async unacknowledged(): Promise<Set<string>> {
    const files = await this.#loaded();
    return new Set(
      files.flatMap(({ state }) =>
        [...(state?.saves ?? []), ...(state?.reports ?? [])].map(({ snapshot_id }) => snapshot_id),
      ),
    );
  }

  /** Resolves when no snapshot is being taken, and none could be taken at once. */
  async settled(): Promise<void> {
    await Promise.all((await this.#loaded()).map((files) => files.settled()));
  }

  /** Stops all work, and leaves all files as they are. */
  async close(): Promise<void> {
    await Promise.all((await this.#loaded()).map((files) => files.close()));
  }

  async #loaded(): Promise<LocalFiles[]> {
    const opened = await Promise.all([...this.#open.values()].map((files) => files.catch(() => undefined)));
    return opened.filter((files) => files !== undefined);
  }

  async #each(act: (files: LocalFiles, sessionId: string) => Promise<void>): Promise<void> {
    for (const name of await readdir(this.#sessions)) {
      const sessionId = uuid.safeParse(name).data;
      if (sessionId === undefined) continue;
      try {
        await act(await this.of(sessionId), sessionId);
      } catch (error) {
        this.#dependencies.log.error('files of a session cannot be adopted or tidied', { session: sessionId, error });
      }
    }
  }
}
