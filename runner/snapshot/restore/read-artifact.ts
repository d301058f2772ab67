import type { FilesAnswer } from '../../files/answer.ts';
import { parseRange } from '../../files/read/byte-range.ts';
import { FilesRefused } from '../../files/paths/refused.ts';
import { messageOf } from '../../lib/log.ts';
import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import { readManifest } from '../format/manifest.ts';
import { entriesOf, readContent } from './read-tree.ts';
import { treeKey } from '../format/storage-keys.ts';
import { Damaged, type TreeEntry } from '../../files/paths/tree-entry.ts';

type StoredFile = TreeEntry & { sha256: string };

/** The file of an artifact; null: no artifact with this id. @throws FilesRefused, StorageUnavailable */
export async function artifactEntry(store: ObjectStore, owner: string, id: string): Promise<StoredFile | null> {
  const stored = await store.get(treeKey(owner, { snapshot_id: id, tree: 'artifact' }));
  if (stored === null) return null;
  try {
    for (const entry of entriesOf(readManifest(stored)))
      if (entry.sha256 !== null) return { ...entry, sha256: entry.sha256 };
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
  }
  throw damaged(id);
}

/** Answers with an artifact's bytes, or a range of them. Each block is verified when it is read. @throws StorageUnavailable */
export async function readArtifact(
  store: ObjectStore,
  owner: string,
  id: string,
  asked: string | null,
): Promise<FilesAnswer> {
  const entry = await artifactEntry(store, owner, id);
  if (entry === null) return refusal('artifact_not_found', `The storage has no artifact ${id} any more.`);
  const range = parseRange(asked, entry.size);
  if (range === 'unsatisfiable')
    return refusal('range_not_satisfiable', `The artifact has ${entry.size} bytes: ${asked} is not among them.`);
  const { first, last } = range === 'whole' ? { first: 0, last: entry.size - 1 } : range;
  const head = {
    type: 'application/octet-stream',
    size: last - first + 1,
    range: range === 'whole' ? null : { first, last, total: entry.size },
    modified_at: null,
    etag: `"${entry.sha256}"`,
  };
  return { ok: true, head, body: part(store, owner, { id, entry, first, last }) };
}

interface Part {
  readonly id: string;
  readonly entry: StoredFile;
  readonly first: number;
  readonly last: number;
}

/** A range of the file. It fetches only the blocks that contain it. */
async function* part(store: ObjectStore, owner: string, { id, entry, first, last }: Part): AsyncGenerator<Uint8Array> {
  const located = locatedPieces(entry).filter(({ start, end }) => end > first && start <= last);
  let at = located[0]?.start ?? 0;
  const pieces = located.map(({ piece }) => piece);
  try {
    for await (const content of readContent(store, owner, { ...entry, pieces })) {
      const wanted = content.subarray(Math.max(0, first - at), last - at + 1);
      at += content.length;
      yield wanted;
    }
  } catch (error) {
    if (error instanceof Damaged) throw damaged(id);
    if (error instanceof StorageUnavailable) throw new FilesRefused('storage_unavailable', messageOf(error));
    throw error;
  }
}

/** The pieces, each with its start and end in the file. */
function locatedPieces({ pieces }: StoredFile) {
  let end = 0;
  return pieces.map((piece) => ({ piece, start: end, end: (end += piece.length) }));
}

const refusal = (code: 'artifact_not_found' | 'range_not_satisfiable', detail: string): FilesAnswer => ({
  ok: false,
  refusal: { code, detail },
});

const damaged = (id: string) =>
  new FilesRefused('files_unavailable', `What the storage has of the artifact ${id} is not what was kept there.`);
