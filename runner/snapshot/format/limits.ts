/** zstd's default, 3, takes half as much time again and saves only a twentieth of the bytes. */
export const ZSTD_LEVEL = 2;
/** Largest block before compression, bytes. */
export const BLOCK = 2 * 1024 * 1024;
/** Files up to this size share blocks, bytes. Larger ones are cut into blocks of their own. */
export const SMALL = 512 * 1024;
/** A pack is put once it has this many bytes. */
export const PACK = 16 * 1024 * 1024;
/** Blocks that are compressed or decompressed at once. The libuv pool has four threads, and others use them too. */
export const BLOCKS_AT_ONCE = 3;
/** Packs that are sent to the storage at once. */
export const PUTS_AT_ONCE = 3;
/** Blocks that a restore fetches ahead, and blocks that it keeps. */
export const FETCHED_AHEAD = 6;
export const BLOCKS_KEPT = 12;
/** Deepest nesting of folders. Each level is an open file while its content is read. */
export const DEPTH = 512;
/** Most bytes of holes in a sparse file, because reading holes takes time too. */
export const LARGEST_HOLE = 64 * 1024 * 1024 * 1024;
/** How often a file that changes while it is read is read again. */
export const READ_TRIES = 4;
/** Upper bound of the resolution of file times, milliseconds (the kernel's tick is 4 with CONFIG_HZ=250, 10 with 100). */
export const CLOCK_TICK_MS = 20;
