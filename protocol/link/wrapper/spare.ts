/**
 * A spare: a container whose `claude` waits, for a session that is not there yet. Its run folder has `spare.json` in place of
 * `launch.json`, in the same form: `session_id` is the spare's own id. `spare.sock` is the line between its wrapper and the runner,
 * with one frame of JSON a line. The claim itself is `launch.json`, which names the spare; the line only says when to look. So a
 * runner that dies in the middle leaves no doubt behind: a wrapper whose line breaks looks once more, and ends when there is none.
 */
export const SPARE_FILE = 'spare.json';
export const SPARE_SOCKET = 'spare.sock';

/**
 * Wrapper → runner. `parked`: `claude` is initialised and waits. `failed`: it will not, and the wrapper ends. `taken`: the claim is read,
 * and this is a session's wrapper from now on.
 */
export type SpareFrame = { spare: 'parked' } | { spare: 'failed'; detail: string } | { spare: 'taken' };

/** Runner → wrapper, the one frame: there is a claim. */
export const CLAIM_FRAME = '{"spare":"claim"}';
