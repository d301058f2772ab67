import * as z from 'zod';

/**
 * A spare: a container whose `claude` waits, for a session that is not there yet. Its run folder has `spare.json` in place of
 * `launch.json`, in the same form: `session_id` is the spare's own id. `spare.sock` is the line between its wrapper and the runner,
 * with one frame of JSON a line. The claim itself is `launch.json`, which names the spare; the line only says when to look. So a
 * runner that dies in the middle leaves no doubt behind: a wrapper whose line breaks looks once more, and ends when there is none.
 */
export const SPARE_FILE = 'spare.json';
export const SPARE_SOCKET = 'spare.sock';

/** Wrapper → runner. */
export const spareFrame = z.discriminatedUnion('spare', [
  /** `claude` is initialised and waits. */
  z.object({ spare: z.literal('parked') }),
  /** It will not: the wrapper ends. */
  z.object({ spare: z.literal('failed'), detail: z.string().max(8192) }),
  /** The claim is read: this is a session's wrapper from now on. */
  z.object({ spare: z.literal('taken') }),
]);
export type SpareFrame = z.infer<typeof spareFrame>;

/** Runner → wrapper, the one frame: there is a claim. */
export const CLAIM_FRAME = '{"spare":"claim"}';
