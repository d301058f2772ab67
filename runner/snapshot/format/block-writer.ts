import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../storage/object-store.ts';
import { Compressor } from './compressor.ts';
import { BLOCK, BLOCKS_AT_ONCE, PACK, PUTS_AT_ONCE } from './limits.ts';
import type { Block, Contents } from './manifest.ts';
import { stalePacks } from './stale-packs.ts';
import { packKey } from './storage-keys.ts';

/** Saving less than this is not worth a restore's work. */
const WORTHWHILE = 0.97;

export interface BlockWriterOptions {
  store: ObjectStore;
  owner: string;
  /** What the tree is stored against; null: everything is new. */
  base: Contents | null;
  /** Told of bytes before they are put; throws when there is no room for them. */
  budget: (bytes: number) => void;
}

/**
 * Takes the bytes of a tree's files and puts them into packs: compressed on other threads, in bounded memory. What the base has already is
 * referred to.
 */
export class BlockWriter {
  readonly #options: BlockWriterOptions;
  readonly #stale: ReadonlySet<number>;
  readonly #packs: Contents['packs'] = [];
  readonly #packOf = new Map<string, number>();
  readonly #blocks: Block[] = [];
  /** Blocks of this tree by what they hold, and by the base's that they are. */
  readonly #byHash = new Map<string, number>();
  readonly #byBase = new Map<number, number>();
  readonly #baseByHash = new Map<string, number>();
  readonly #spare: Buffer[] = [];
  readonly #compressing = new Set<Promise<void>>();
  readonly #putting = new Set<Promise<void>>();
  readonly #made: string[] = [];
  #open: { buffer: Buffer; used: number; index: number | undefined } | undefined;
  #pack: { buffer: Buffer; used: number; blocks: Block[] } | undefined;
  readonly #compressors: Compressor[] = [];
  readonly #sparePacks: Buffer[] = [];
  #failure: { error: unknown } | undefined;

  constructor(options: BlockWriterOptions) {
    this.#options = options;
    this.#stale = options.base === null ? new Set() : stalePacks(options.base);
    for (const [index, { hash }] of (options.base?.blocks ?? []).entries())
      if (hash !== null) this.#baseByHash.set(hash, index);
  }

  /** Keys of the packs that were put, or perhaps put. */
  get made(): readonly string[] {
    return this.#made;
  }

  /** `bytes` of a block of the base, one that `canReuse`, are a file's. @returns the block in this tree */
  reuse(baseBlock: number, bytes: number): number {
    const index = this.#byBase.get(baseBlock) ?? this.#takeOver(baseBlock);
    if (index === undefined) throw new Error('this block is to be stored anew');
    this.#use(index, bytes);
    return index;
  }

  /** False: what is in this block of the base is to be stored anew. */
  canReuse(baseBlock: number): boolean {
    const pack = this.#options.base?.blocks[baseBlock]?.pack;
    return pack !== undefined && !this.#stale.has(pack);
  }

  /** Room for `bytes` (at most `BLOCK`) of a small file, to be read into; `commit` takes it, else it is given again. */
  space(bytes: number): { buffer: Buffer; at: number } {
    if (this.#open !== undefined && this.#open.used + bytes > BLOCK) this.#close();
    this.#open ??= { buffer: this.buffer(), used: 0, index: undefined };
    return { buffer: this.#open.buffer, at: this.#open.used };
  }

  /** The bytes that were read into the last `space` are a file's. @returns where they are */
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
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
  }

  /** A `buffer` that is not needed after all. */
  giveBack(buffer: Buffer): void {
    this.#spare.push(buffer);
  }

  /** Takes a piece of a large file, in a `buffer` that is the writer's from now on. @returns its block */
  piece(buffer: Buffer, bytes: number, hash: string): number {
    const known = this.#byHash.get(hash) ?? this.#reusePiece(hash);
    const index = known ?? this.#newBlock(hash);
    this.#use(index, bytes);
    if (known === undefined) this.#compress(index, buffer, bytes);
    else this.#spare.push(buffer);
    return index;
  }

  /** Nothing has to be waited for before more is given. */
  get idle(): boolean {
    return this.#failure === undefined && this.#compressing.size < BLOCKS_AT_ONCE && this.#putting.size < PUTS_AT_ONCE;
  }

  /** Resolves when there is room for more. @throws what went wrong meanwhile */
  async room(): Promise<void> {
    while (!this.idle) {
      this.#rethrow();
      await Promise.race([...this.#compressing, ...this.#putting]);
    }
  }

  /** Resolves when all is in the storage. */
  async finish(): Promise<Pick<Contents, 'packs' | 'blocks'>> {
    this.#close();
    await Promise.all(this.#compressing);
    this.#rethrow();
    this.#putPack();
    await this.settled();
    this.#rethrow();
    return { packs: this.#packs, blocks: this.#blocks };
  }

  /** Resolves when nothing is under way any more, whatever came of it. */
  async settled(): Promise<void> {
    await Promise.all([...this.#compressing, ...this.#putting]);
    for (const compressor of this.#compressors.splice(0)) compressor.close();
  }

  #takeOver(baseBlock: number): number | undefined {
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
    return baseBlock === undefined ? undefined : this.#takeOver(baseBlock);
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

  /** The block that small files share is full. */
  #close(): void {
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
      this.#spare.push(buffer);
    });
    this.#watch(this.#compressing, work);
  }

  #append(block: Block, parts: readonly Buffer[]): void {
    if (this.#failure !== undefined) return;
    this.#pack ??= { buffer: this.#sparePacks.pop() ?? Buffer.allocUnsafeSlow(PACK + BLOCK), used: 0, blocks: [] };
    const pack = this.#pack;
    block.offset = pack.used;
    for (const part of parts) pack.used += part.copy(pack.buffer, pack.used);
    block.stored = pack.used - block.offset;
    pack.blocks.push(block);
    if (pack.used >= PACK) this.#putPack();
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
    this.#made.push(key);
    const work = store.put(key, buffer.subarray(0, used)).then(() => void this.#sparePacks.push(buffer));
    this.#watch(this.#putting, work);
  }

  /** Remembers the first failure for whoever asks next. */
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
