import * as z from 'zod';

/** What the edge's process is told, over its IPC channel. */
export const edgeOrder = z.discriminatedUnion('order', [
  z.object({
    order: z.literal('start'),
    worker: z.string(),
    host: z.string(),
    port: z.int(),
    stateFolder: z.string(),
    vars: z.record(z.string(), z.string()),
  }),
  z.object({ order: z.literal('stop') }),
]);
export type EdgeOrder = z.infer<typeof edgeOrder>;

/** What it answers to `start`. */
export const edgeReport = z.discriminatedUnion('report', [
  z.object({ report: z.literal('serving'), url: z.string() }),
  z.object({ report: z.literal('failed'), why: z.string() }),
]);
export type EdgeReport = z.infer<typeof edgeReport>;
