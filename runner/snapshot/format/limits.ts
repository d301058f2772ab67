/** 3, the default of `zstd`, takes half as much time again for a twentieth fewer bytes. */
export const ZSTD_LEVEL = 2;
/** What a block holds at most before it is compressed, bytes. */
export const BLOCK = 2 * 1024 * 1024;
/** Files up to this share blocks, bytes; larger ones are cut into blocks of their own. */
export const SMALL = 512 * 1024;
/** A pack is put once it has this many bytes. */
export const PACK = 16 * 1024 * 1024;
/** Blocks that are compressed or decompressed at once: the libuv pool has four threads, and others use them too. */
export const BLOCKS_AT_ONCE = 3;
/** Packs on their way to the storage at once. */
export const PUTS_AT_ONCE = 3;
/** Blocks that a restore fetches ahead, and that it keeps. */
export const FETCHED_AHEAD = 6;
export const BLOCKS_KEPT = 12;
/** Folders within folders; each is an open file while what is in it is read. */
export const DEPTH = 512;
/** A file may be larger than the room that it takes by this many bytes: reading holes takes time too. */
export const LARGEST_HOLE = 64 * 1024 * 1024 * 1024;
/** How often a file is read that changes meanwhile. */
export const READ_TRIES = 4;
/** How coarse the kernel's clock for files is, with room to spare, milliseconds (4 with CONFIG_HZ=250, 10 with 100). */
export const CLOCK_TICK_MS = 20;
