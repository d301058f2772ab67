import * as z from 'zod';

/** Most things that a clone names as left out. */
export const MAX_LEFT_OUT = 50;
/** What a clone does not have, and why: a submodule or a file of Git LFS that could not be fetched, for example. */
const leftOutItem = z.object({ path: z.string().max(1024), why: z.string().max(512) });
export type LeftOut = z.infer<typeof leftOutItem>;
export const leftOut = z.array(leftOutItem).max(MAX_LEFT_OUT);
