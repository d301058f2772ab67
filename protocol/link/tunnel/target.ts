import * as z from 'zod';

export const port = z.int().min(1).max(65_535);

/** What a stream leads to in the container. The wrapper alone knows the kinds; each has fields of its own. */
export const streamTarget = z.looseObject({ kind: z.string().max(64) });
export type StreamTarget = z.infer<typeof streamTarget>;
