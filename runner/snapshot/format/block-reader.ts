import { subtle } from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { ObjectStore } from '../../storage/object-store.ts';
import { BLOCKS_KEPT, FETCHED_AHEAD } from './limits.ts';
import type { Block, Contents } from './manifest.ts';
import { packKey } from './storage-keys.ts';
import { Damaged } from '../../files/paths/tree-entry.ts';

const unzstd = promisify(zlib.zstdDecompress);

/** Reads and verifies one block. @throws Damaged, StorageUnavailable */
export async function readBlock(
  store: ObjectStore,
  owner: string,
  pack: string,
  { offset, stored, raw, zstd, hash: expected }: Omit<Block, 'pack' | 'live'>,
): Promise<Uint8Array> {
  const bytes = await store.get(packKey(owner, pack), { first: offset, last: offset + stored - 1 });
  if (bytes === null) throw new Damaged(`the pack ${pack} is not in the storage`);
  if (bytes.length !== stored) throw new Damaged(`the pack ${pack} is cut short`);
  const content = zstd ? await decompressed(bytes, raw, pack) : bytes;
  if (content.length !== raw || (expected !== null && (await hashed(content)) !== expected))
    throw new Damaged(`the pack ${pack} is damaged`);
  return content;
}

/** Hashes on another thread. `subtle` does not allow shared memory. */
async function hashed({ buffer, byteOffset, byteLength }: Uint8Array): Promise<string> {
  if (buffer instanceof SharedArrayBuffer) throw new Error('a block in shared memory');
  const digest = await subtle.digest('SHA-256', new Uint8Array(buffer, byteOffset, byteLength));
  return Buffer.from(digest).toString('base64url');
}

async function decompressed(bytes: Uint8Array, raw: number, pack: string): Promise<Uint8Array> {
  try {
    return await unzstd(bytes, { maxOutputLength: raw, chunkSize: Math.max(64, raw) });
  } catch (error) {
    throw new Damaged(`the pack ${pack} is damaged`, { cause: error });
  }
}

/** Reads the blocks of a tree in the order in which its files need them, a few ahead, and each about once. */
export class BlockReader {
  readonly #store: ObjectStore;
  readonly #owner: string;
  readonly #contents: Contents;
  /** Least recently used first. */
  readonly #kept = new Map<number, Promise<Uint8Array>>();
  #plan: number[] = [];
  #current: { index: number; content: Uint8Array } | undefined;

  constructor(store: ObjectStore, owner: string, contents: Contents) {
    this.#store = store;
    this.#owner = owner;
    this.#contents = contents;
  }

  /** Plans the next blocks, in this order. */
  expect(blocks: Iterable<number>): void {
    this.#plan = [...new Set(blocks)].toReversed();
  }

  /** Whether the block's own hash verifies it. If not, the hash of each file in it must. */
  isHashed(index: number): boolean {
    return typeof this.#contents.blocks[index]?.hash === 'string';
  }

  /** The block that was read last, if it is this one. Small files share blocks. */
  current(index: number): Uint8Array | undefined {
    return this.#current?.index === index ? this.#current.content : undefined;
  }

  /** @throws Damaged, StorageUnavailable */
  async block(index: number): Promise<Uint8Array> {
    const read = this.#kept.get(index) ?? this.#read(index);
    this.#kept.delete(index);
    this.#kept.set(index, read);
    const planned = this.#plan.lastIndexOf(index);
    // Everything before it in the plan is done.
    if (planned !== -1) this.#plan.length = planned;
    for (const next of this.#plan.slice(-FETCHED_AHEAD))
      if (!this.#kept.has(next)) this.#kept.set(next, this.#read(next));
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= BLOCKS_KEPT + FETCHED_AHEAD) break;
      this.#kept.delete(oldest);
    }
    const content = await read;
    this.#current = { index, content };
    return content;
  }

  #read(index: number): Promise<Uint8Array> {
    const block = this.#contents.blocks[index];
    const pack = block === undefined ? undefined : this.#contents.packs[block.pack];
    if (block === undefined || pack === undefined) throw new Damaged('the list of a snapshot’s files is damaged');
    const read = readBlock(this.#store, this.#owner, pack.id, block);
    // Its user gets the error. A block that was only fetched ahead may have no user.
    read.catch(() => undefined);
    return read;
  }
}
