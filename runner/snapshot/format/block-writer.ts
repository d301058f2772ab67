import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../storage/object-store.ts';
import { Compressor } from './compressor.ts';
import { BLOCK, BLOCKS_AT_ONCE, PACK, PUTS_AT_ONCE } from './limits.ts';
import type { Block, Contents } from './manifest.ts';
import { stalePacks } from './stale-packs.ts';
import { packKey } from './storage-keys.ts';

/** A block is stored compressed only if that makes it smaller than this share. Otherwise decompressing is not worth it. */
const WORTHWHILE = 0.97;

export interface BlockWriterOptions {
  store: ObjectStore;
  owner: string;
  /** The tree whose blocks are reused; null: everything is new. */
  base: Contents | null;
  /** Called with the number of bytes before they are put. It throws if the quota does not allow them. */
  budget: (bytes: number) => void;
  /** A pack is put once it has this many bytes. Default: `PACK`. */
  pack_bytes?: number | undefined;
}

/**
 * Compresses the content of a tree's files on other threads, in bounded memory, and puts it into packs. Blocks that the base
 * already has are reused.
 */
export class BlockWriter {
  readonly #options: BlockWriterOptions;
  readonly #packBytes: number;
  readonly #stale: ReadonlySet<number>;
  readonly #packs: Contents['packs'] = [];
  readonly #packOf = new Map<string, number>();
  readonly #blocks: Block[] = [];
  /** Blocks of this tree by their content's hash, and by their index in the base. */
  readonly #byHash = new Map<string, number>();
  readonly #byBase = new Map<number, number>();
  readonly #baseByHash = new Map<string, number>();
  readonly #freeBuffers: Buffer[] = [];
  readonly #compressing = new Set<Promise<void>>();
  readonly #putting = new Set<Promise<void>>();
  readonly #putKeys: string[] = [];
  #open: { buffer: Buffer; used: number; index: number | undefined } | undefined;
  #pack: { buffer: Buffer; used: number; blocks: Block[] } | undefined;
  readonly #compressors: Compressor[] = [];
  readonly #freePackBuffers: Buffer[] = [];
  #failure: { error: unknown } | undefined;

  constructor(options: BlockWriterOptions) {
    this.#options = options;
    this.#packBytes = options.pack_bytes ?? PACK;
    this.#stale = options.base === null ? new Set() : stalePacks(options.base);
    for (const [index, { hash }] of (options.base?.blocks ?? []).entries())
      if (hash !== null) this.#baseByHash.set(hash, index);
  }

  /** Keys of the packs that were put, or whose put may have failed. */
  get putKeys(): readonly string[] {
    return this.#putKeys;
  }

  /** Uses `bytes` of a base block for a file. Call `canReuse` first. @returns the block's index in this tree */
  reuse(baseBlock: number, bytes: number): number {
    const index = this.#byBase.get(baseBlock) ?? this.#reuseBlock(baseBlock);
    if (index === undefined) throw new Error('this block cannot be reused');
    this.#use(index, bytes);
    return index;
  }

  /** False: the content of this base block must be stored again. */
  canReuse(baseBlock: number): boolean {
    const pack = this.#options.base?.blocks[baseBlock]?.pack;
    return pack !== undefined && !this.#stale.has(pack);
  }

  /** Reserves room for `bytes` (at most `BLOCK`) of a small file. Read into it, then `commit`. Without that, the room is reused. */
  reserve(bytes: number): { buffer: Buffer; at: number } {
    if (this.#open !== undefined && this.#open.used + bytes > BLOCK) this.#closeBlock();
    this.#open ??= { buffer: this.buffer(), used: 0, index: undefined };
    return { buffer: this.#open.buffer, at: this.#open.used };
  }

  /** Keeps the bytes that were read into the last reserved room. @returns where they are */
  commit(bytes: number): { block: number; start: number } {
    const open = this.#open;
    if (open === undefined) throw new Error('nothing was read');
    open.index ??= this.#newBlock(null);
    const start = open.used;
    open.used += bytes;
    this.#use(open.index, bytes);
    return { block: open.index, start };
  }

  /** A buffer of `BLOCK` bytes for a piece of a large file. */
  buffer(): Buffer {
    return this.#freeBuffers.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
  }

  /** Returns a `buffer` that is not needed. */
  releaseBuffer(buffer: Buffer): void {
    this.#freeBuffers.push(buffer);
  }

  /** Adds a piece of a large file. From now on the writer owns `buffer`. @returns the piece's block */
  addPiece(buffer: Buffer, bytes: number, hash: string): number {
    const known = this.#byHash.get(hash) ?? this.#reusePiece(hash);
    const index = known ?? this.#newBlock(hash);
    this.#use(index, bytes);
    if (known === undefined) this.#compress(index, buffer, bytes);
    else this.#freeBuffers.push(buffer);
    return index;
  }

  /** More may be added without waiting. */
  get hasCapacity(): boolean {
    return this.#failure === undefined && this.#compressing.size < BLOCKS_AT_ONCE && this.#putting.size < PUTS_AT_ONCE;
  }

  /** Resolves when more may be added. @throws an earlier failure */
  async capacity(): Promise<void> {
    while (!this.hasCapacity) {
      this.#rethrow();
      await Promise.race([...this.#compressing, ...this.#putting]);
    }
  }

  /** Resolves when everything is in the storage. */
  async finish(): Promise<Pick<Contents, 'packs' | 'blocks'>> {
    this.#closeBlock();
    await Promise.all(this.#compressing);
    this.#rethrow();
    this.#putPack();
    await this.settled();
    this.#rethrow();
    return { packs: this.#packs, blocks: this.#blocks };
  }

  /** Resolves when no work is in progress, whether it succeeded or failed. */
  async settled(): Promise<void> {
    await Promise.all([...this.#compressing, ...this.#putting]);
    for (const compressor of this.#compressors.splice(0)) compressor.close();
  }

  #reuseBlock(baseBlock: number): number | undefined {
    const { base } = this.#options;
    const block = base?.blocks[baseBlock];
    const pack = block === undefined ? undefined : base?.packs[block.pack];
    if (block === undefined || pack === undefined || this.#stale.has(block.pack)) return undefined;
    const index = this.#blocks.push({ ...block, pack: this.#packIndex(pack.id, pack.size), live: 0 }) - 1;
    this.#byBase.set(baseBlock, index);
    if (block.hash !== null) this.#byHash.set(block.hash, index);
    return index;
  }

  #reusePiece(hash: string): number | undefined {
    const baseBlock = this.#baseByHash.get(hash);
    return baseBlock === undefined ? undefined : this.#reuseBlock(baseBlock);
  }

  #packIndex(id: string, size: number): number {
    const known = this.#packOf.get(id);
    if (known !== undefined) return known;
    const index = this.#packs.push({ id, size }) - 1;
    this.#packOf.set(id, index);
    return index;
  }

  #newBlock(hash: string | null): number {
    const index = this.#blocks.push({ pack: 0, offset: 0, stored: 0, raw: 0, zstd: false, hash, live: 0 }) - 1;
    if (hash !== null) this.#byHash.set(hash, index);
    return index;
  }

  #use(index: number, bytes: number): void {
    const block = this.#blocks[index];
    if (block !== undefined) block.live += bytes;
  }

  /** Compresses the block that small files share. */
  #closeBlock(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open?.index !== undefined) this.#compress(open.index, open.buffer, open.used);
  }

  #compress(index: number, buffer: Buffer, bytes: number): void {
    const block = this.#blocks[index];
    if (block === undefined) throw new Error('no such block');
    block.raw = bytes;
    const content = buffer.subarray(0, bytes);
    const compressor = this.#compressors.pop() ?? new Compressor();
    const work = compressor.run(content).then((frame) => {
      const size = frame.reduce((sum, part) => sum + part.length, 0);
      block.zstd = size < bytes * WORTHWHILE;
      this.#append(block, block.zstd ? frame : [content]);
      this.#compressors.push(compressor);
      this.#freeBuffers.push(buffer);
    });
    this.#watch(this.#compressing, work);
  }

  #append(block: Block, parts: readonly Buffer[]): void {
    if (this.#failure !== undefined) return;
    this.#pack ??= {
      buffer: this.#freePackBuffers.pop() ?? Buffer.allocUnsafeSlow(this.#packBytes + BLOCK),
      used: 0,
      blocks: [],
    };
    const pack = this.#pack;
    block.offset = pack.used;
    for (const part of parts) pack.used += part.copy(pack.buffer, pack.used);
    block.stored = pack.used - block.offset;
    pack.blocks.push(block);
    if (pack.used >= this.#packBytes) this.#putPack();
  }

  #putPack(): void {
    if (this.#pack === undefined) return;
    const { buffer, used, blocks } = this.#pack;
    this.#pack = undefined;
    this.#options.budget(used);
    const id = randomUUID();
    const index = this.#packIndex(id, used);
    for (const block of blocks) block.pack = index;
    const { store, owner } = this.#options;
    const key = packKey(owner, id);
    this.#putKeys.push(key);
    const work = store.put(key, buffer.subarray(0, used)).then(() => void this.#freePackBuffers.push(buffer));
    this.#watch(this.#putting, work);
  }

  /** Keeps the first failure, for `#rethrow`. */
  #watch(set: Set<Promise<void>>, work: Promise<void>): void {
    const watched = work
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .then(() => void set.delete(watched));
    set.add(watched);
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
