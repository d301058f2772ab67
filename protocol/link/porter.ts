import * as z from 'zod';

/**
 * The connection of a porter: a program beside a session on a machine that is not the runner's. It dials the runner over
 * TLS 1.3, arrives, and then carries each connection to one of the session's sockets as a stream of HTTP/2.
 */

/** The sockets of a session, by their names in the run folder without `.sock`. A stream's path is `/` and the name. */
export const PORTER_SERVICES = ['link', 'model', 'proxy'] as const;
export type PorterService = (typeof PORTER_SERVICES)[number];

/** The name in the runner's certificate, whatever its address is: the porter trusts the runner's own authority alone. */
export const DOOR_NAME = 'runner.cc-docker.internal';

/** The path of a connection's first request: a POST with a `porterArrival`. An answer is a welcome: who is not welcome gets none. */
export const ARRIVAL_PATH = '/arrive';

export const porterArrival = z.object({
  /** The runner's, by which one porter may arrive, once. */
  token: z.string().max(128),
  /**
   * 32 random bytes in base64url, which the porter has made for itself. The runner takes the token once, with one session key; from then on the porter that has this
   * key may come again. So an answer that got lost costs nothing.
   */
  session_key: z.string().regex(/^[\w-]{43}$/),
  /** CC-Docker's version. */
  version: z.string().max(64),
});
export type PorterArrival = z.infer<typeof porterArrival>;

/** Longest arrival, bytes. */
export const MAX_ARRIVAL = 4096;

/** Between two pings of either end, milliseconds. One that is not answered until the next is due ends the connection. */
export const PORTER_PING_MS = 4_000;
