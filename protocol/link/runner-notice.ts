import * as z from 'zod';
import { reason } from '../reason.ts';
import { buildNotices, devcontainerNotice } from './environment/environment.ts';
import { wrapperFrame } from './wrapper/wrapper-notice.ts';

/**
 * The runner's own notices about a session's container. They use the data socket besides the wrapper's frames, and a container
 * cannot send them. Like the wrapper's items they are numbered `1, 2, …` within the epoch, and kept until stored. On the wire
 * they have the old name "host".
 */
const runnerNotice = z.discriminatedUnion('host_notice', [
  /** Decisions of the egress policy. Equal ones are merged. */
  z.object({
    host_notice: z.literal('egress'),
    host: z.string().max(300),
    port: z.int().min(0).max(65_535),
    verdict: z.enum(['allowed', 'refused']),
    /** The rule that decided, or why none applied: for people. */
    rule: z.string().max(512),
    /** Connections with this decision since the last notice; 0: only the bytes are new. */
    count: z.int().min(0),
    /** Bytes out of and into the container, over connections that have ended. */
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
  /** The container cannot start yet, and is asked for again. Said as long as that is so. */
  z.object({ host_notice: z.literal('waiting'), reason }),
  ...buildNotices,
  devcontainerNotice,
]);
export type RunnerNotice = z.infer<typeof runnerNotice>;

const NOTICES: ReadonlySet<string> = new Set(runnerNotice.options.map(({ shape }) => shape.host_notice.value));

/** A notice of a runner that is newer than the edge. */
const unknownNotice = z.object({
  host_notice: z
    .string()
    .max(64)
    .refine((name) => !NOTICES.has(name)),
});

export const isKnownRunnerNotice = (notice: { readonly host_notice: string }): notice is RunnerNotice =>
  NOTICES.has(notice.host_notice);

/** Runner → session, on the data socket. */
export const runnerNoticeFrame = z.object({
  kind: z.literal('host'),
  first: z.int().min(1),
  notices: z.array(z.union([runnerNotice, unknownNotice])).min(1),
});
export type RunnerNoticeFrame = z.infer<typeof runnerNoticeFrame>;

/** A frame on a data socket: a relayed frame of the wrapper, or the runner's own. */
export const dataFrame = z.discriminatedUnion('kind', [...wrapperFrame.options, runnerNoticeFrame]);
export type DataFrame = z.infer<typeof dataFrame>;
