import { hash } from 'node:crypto';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { TreeName } from '../../../protocol/link/runner-control.ts';
import { rowsOf } from '../format/base-cursor.ts';
import { readBlock } from '../format/block-reader.ts';
import { readManifest, type Contents, type Manifest, type Row } from '../format/manifest.ts';
import { treeKey } from '../format/storage-keys.ts';
import { Damaged, type Piece, type TreeEntry } from '../../files/paths/tree-entry.ts';

/** The entries of a stored tree, a folder before its content. @throws Damaged, also if it does not exist; StorageUnavailable */
export async function* readEntries(store: ObjectStore, owner: string, name: TreeName): AsyncGenerator<TreeEntry, void> {
  const stored = await store.get(treeKey(owner, name));
  if (stored === null) throw new Damaged(`the snapshot ${name.snapshot_id} is not in the storage`);
  yield* entriesOf(readManifest(stored));
}

/** The entries of a manifest. @throws Damaged */
export function* entriesOf(manifest: Manifest): Generator<TreeEntry, void> {
  for (const row of rowsOf(manifest)) yield entryOf(row, manifest.contents);
}

/** A file's content from the storage. Every piece is verified before it is yielded. @throws Damaged, StorageUnavailable */
export async function* readContent(
  store: ObjectStore,
  owner: string,
  entry: TreeEntry,
): AsyncGenerator<Uint8Array, void> {
  for (const { pack, start, length, codec, ...block } of entry.pieces) {
    const content = await readBlock(store, owner, pack, { ...block, zstd: codec === 'zstd' });
    const piece = content.subarray(start, start + length);
    if (piece.length !== length || (block.hash === null && hash('sha256', piece, 'hex') !== entry.sha256))
      throw new Damaged(`the pack ${pack} is damaged`);
    yield piece;
  }
}

function entryOf(row: Row, contents: Contents): TreeEntry {
  const path = Buffer.from(row[1], 'latin1');
  const none = { size: 0, sha256: null, target: null, pieces: [] };
  if (row[0] === 'd') return { ...none, path, type: 'directory', mode: row[2], mtimeNs: nanoseconds(row[3]) };
  if (row[0] === 'l') {
    const target = Buffer.from(row[3], 'latin1');
    return { ...none, path, type: 'symlink', mode: 0o777, mtimeNs: nanoseconds(row[2]), target };
  }
  const [, , mode, mtime, size, sha256, start, blocks] = row;
  return {
    path,
    type: 'file',
    mode,
    mtimeNs: nanoseconds(mtime),
    size,
    sha256: Buffer.from(sha256, 'base64url').toString('hex'),
    target: null,
    pieces: blocks.map((index) => pieceOf(contents, index, start, blocks.length === 1 ? size : undefined)),
  };
}

function pieceOf(contents: Contents, index: number, start: number, length: number | undefined): Piece {
  const block = contents.blocks[index];
  const pack = block === undefined ? undefined : contents.packs[block.pack];
  if (block === undefined || pack === undefined) throw new Damaged('the list of a snapshot’s files is damaged');
  const { offset, stored, raw, zstd, hash } = block;
  return { pack: pack.id, offset, stored, raw, codec: zstd ? 'zstd' : 'none', hash, start, length: length ?? raw };
}

const nanoseconds = (microseconds: number) => BigInt(microseconds) * 1000n;
