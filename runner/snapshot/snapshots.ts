import type { FilesAnswer } from '../files/answer.ts';
import type { TreeKind, TreeName } from '../../protocol/link/runner-control.ts';
import type { Log } from '../lib/log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readArtifact } from './restore/read-artifact.ts';
import { readContent, readEntries } from './restore/read-tree.ts';
import type { RestoredTree, RestoreInput } from './restore/restore-tree.ts';
import type { SavedArtifact, ShareInput } from './save/save-artifact.ts';
import type { SavedSnapshot, SaveInput } from './save/save-snapshot.ts';
import { OWNERS, treeKey, treeOfKey, treesPrefix } from './format/storage-keys.ts';
import { sweepPacks, type SweepResult } from './sweep.ts';
import { ThreadEnded, Threads } from './threads.ts';
import type { TreeEntry } from '../files/paths/tree-entry.ts';

/**
 * Snapshots of sessions (two trees each) and artifacts (a tree of one file each) in the runner's storage. Other threads do the
 * heavy work.
 */
export class Snapshots {
  readonly #store: ObjectStore;
  readonly #log: Log;
  readonly #threads: Threads;
  /** Copies in progress, by the artifact's id. */
  readonly #sharing = new Map<string, Promise<SavedArtifact>>();

  constructor({ store, log }: { store: ObjectStore; log: Log }) {
    this.#store = store;
    this.#log = log;
    this.#threads = new Threads(store.origin, log);
  }

  /** Saves a session's files. Two sessions are saved at a time; others wait. */
  async save({ signal, ...input }: SaveInput & { signal: AbortSignal }): Promise<SavedSnapshot> {
    try {
      const outcome = await this.#threads.run({ kind: 'save', input }, signal);
      if (outcome.kind !== 'save') throw new Error('a thread did something else');
      return outcome.result;
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error;
      return { ok: false, why: 'failed', detail: `The snapshot broke off: ${error.message}` };
    }
  }

  /** Restores one tree and replaces the current files. If it fails, the current files stay. */
  async restore({ signal, ...input }: RestoreInput & { signal: AbortSignal }): Promise<RestoredTree> {
    try {
      const outcome = await this.#threads.run({ kind: 'restore', input }, signal);
      if (outcome.kind !== 'restore') throw new Error('a thread did something else');
      return outcome.result;
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error;
      return { ok: false, why: 'failed', detail: `The restore broke off: ${error.message}` };
    }
  }

  /** Stores a copy of a file as an artifact. A concurrent call for the same artifact shares the result. */
  async share(input: ShareInput): Promise<SavedArtifact> {
    const { artifact_id } = input;
    const sharing = this.#sharing.get(artifact_id) ?? this.#share(input);
    this.#sharing.set(artifact_id, sharing);
    return await sharing.finally(() => this.#sharing.delete(artifact_id));
  }

  /** An artifact's bytes. @param range an HTTP `Range` header; null: all. @throws StorageUnavailable, FilesRefused */
  async artifact(owner: string, artifactId: string, range: string | null): Promise<FilesAnswer> {
    return await readArtifact(this.#store, owner, artifactId, range);
  }

  /** The entries of a stored tree. @throws Damaged, also if it does not exist; StorageUnavailable */
  entries(owner: string, snapshot_id: string, tree: TreeKind): AsyncIterable<TreeEntry> {
    return readEntries(this.#store, owner, { snapshot_id, tree });
  }

  /** A file's bytes. @throws Damaged, StorageUnavailable */
  content(owner: string, entry: TreeEntry): AsyncIterable<Uint8Array> {
    return readContent(this.#store, owner, entry);
  }

  /** Removes trees. Later sweeps remove their packs. @throws StorageUnavailable */
  async drop(owner: string, trees: readonly TreeName[]): Promise<void> {
    await this.#store.remove(trees.map((tree) => treeKey(owner, tree)));
  }

  /** All owners who have something in the storage. @throws StorageUnavailable */
  async *owners(): AsyncIterable<string> {
    const seen = new Set<string>();
    // This lists every object. That is acceptable, because a sweep lists them all anyway.
    for await (const { key } of this.#store.list(OWNERS)) {
      const [owner = ''] = key.slice(OWNERS.length).split('/');
      if (seen.has(owner)) continue;
      seen.add(owner);
      yield owner;
    }
  }

  /** An owner's trees. `modified`: when each was stored, milliseconds since 1970. @throws StorageUnavailable */
  async *trees(owner: string): AsyncIterable<TreeName & { modified: number }> {
    for await (const { key, modified } of this.#store.list(treesPrefix(owner))) {
      const name = treeOfKey(owner, key);
      if (name !== undefined) yield { ...name, modified };
    }
  }

  /** Removes packs to which no tree of the owner refers; see `sweepPacks`. @throws StorageUnavailable */
  async sweep(owner: string, now = Date.now()): Promise<SweepResult> {
    const result = await sweepPacks(this.#store, owner, now);
    const { withheld, removed, removed_bytes } = result;
    if (withheld !== null) this.#log.warn('sweep_withheld', { owner, detail: withheld });
    else if (removed > 0) this.#log.info('swept', { owner, packs: removed, bytes: removed_bytes });
    return result;
  }

  async #share(input: ShareInput): Promise<SavedArtifact> {
    try {
      const outcome = await this.#threads.run({ kind: 'share', input }, new AbortController().signal);
      if (outcome.kind !== 'share') throw new Error('a thread did something else');
      const { result } = outcome;
      if (result.ok || result.why !== 'storage_unavailable') return result;
      // An agent reads this answer, so it must not say where the storage is. The operator finds that in the log.
      this.#log.warn('artifact not stored', { artifact: input.artifact_id, detail: result.detail });
      return { ...result, detail: 'The storage of files cannot be reached at the moment. Try again later.' };
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error;
      return { ok: false, why: 'files_unavailable', detail: `Keeping the file broke off: ${error.message}` };
    }
  }

  /** Ends all work. The storage stays open. */
  async close(): Promise<void> {
    await this.#threads.close();
  }
}
