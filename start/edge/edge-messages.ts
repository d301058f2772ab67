import * as z from 'zod';
import { edgeDisk } from '../../protocol/health.ts';

/** A command to the edge's process, over its IPC channel. */
export const edgeCommand = z.discriminatedUnion('command', [
  z.object({
    command: z.literal('start'),
    worker: z.string(),
    host: z.string(),
    port: z.int(),
    stateFolder: z.string(),
    vars: z.record(z.string(), z.string()),
  }),
  z.object({ command: z.literal('stop') }),
]);
export type EdgeCommand = z.infer<typeof edgeCommand>;

/** The answer to `start`; and `disk` after that, when it has become nearly full, or is so no more. */
export const edgeReport = z.discriminatedUnion('report', [
  z.object({ report: z.literal('disk'), disk: edgeDisk }),
  z.object({ report: z.literal('serving'), url: z.string() }),
  z.object({ report: z.literal('failed'), why: z.string() }),
]);
export type EdgeReport = z.infer<typeof edgeReport>;
