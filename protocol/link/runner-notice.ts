import * as z from 'zod';
import { wrapperFrame } from './wrapper-notice.ts';

/**
 * What the runner itself has to say about a session's container. It goes over the data socket beside the wrapper's frames, numbered
 * `1, 2, …` within the epoch like those and kept until stored; a container cannot send it.
 */
export const runnerNotice = z.discriminatedUnion('host_notice', [
  /** Decisions of the egress policy, merged while they repeat. */
  z.object({
    host_notice: z.literal('egress'),
    host: z.string().max(300),
    port: z.int().min(0).max(65_535),
    verdict: z.enum(['allowed', 'refused']),
    /** The rule that decided, or why there was none: for people. */
    rule: z.string().max(512),
    /** Connections that were decided so since the last notice; 0: only the bytes of ended ones are news. */
    count: z.int().min(0),
    /** Bytes out of and into the container over those that have ended. */
    bytes_sent: z.int().min(0),
    bytes_received: z.int().min(0),
  }),
  /** The workspace and the conversation were restored before the container started. */
  z.object({
    host_notice: z.literal('restored'),
    snapshot_id: z.string(),
    files: z.int(),
    bytes: z.int(),
    ms: z.int(),
  }),
]);
export type RunnerNotice = z.infer<typeof runnerNotice>;

/** Runner → session, on the data socket. */
export const runnerNoticeFrame = z.object({
  kind: z.literal('host'),
  first: z.int().min(1),
  notices: z.array(runnerNotice).min(1),
});
export type RunnerNoticeFrame = z.infer<typeof runnerNoticeFrame>;

/** What comes over a data socket: a wrapper's frames, relayed, and the runner's own. */
export const dataFrame = z.discriminatedUnion('kind', [...wrapperFrame.options, runnerNoticeFrame]);
export type DataFrame = z.infer<typeof dataFrame>;
