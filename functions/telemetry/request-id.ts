export const REQUEST_ID = 'x-request-id';

/** Long enough for all usual kinds of ids, too short for a token, which somebody could send by mistake. */
const SAFE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id of a call: what its caller sent, if that may stand in a log, else a new one. */
export function requestIdOf(sent: string | null | undefined): string {
  return typeof sent === 'string' && SAFE.test(sent) ? sent : crypto.randomUUID();
}
