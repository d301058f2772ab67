import * as z from 'zod';
import { streamTarget } from './target.ts';

/**
 * Between the runner and a container: a unix socket on which the runner listens. The wrapper holds one connection to it for
 * control, and makes another one for each stream that the runner asks for; that one then carries the stream's bytes as they
 * are, and the kernel holds back who is too fast. Lines of JSON.
 */

/** The socket's place in the run folder. Not in the folder itself: to an image of 0.1, a fourth socket there is a broken seal. */
export const STREAMS_FOLDER = 'sockets';
export const STREAMS_SOCKET = `${STREAMS_FOLDER}/streams.sock`;

/** By it a connection says what it is for. The runner alone makes one, at random. */
const streamId = z.string().regex(/^[\w-]{22}$/);

/** The first line of each connection. */
export const streamHello = z.discriminatedUnion('kind', [
  /** The wrapper's own. */
  z.object({ kind: z.literal('control') }),
  /** What follows is the stream's. */
  z.object({ kind: z.literal('stream'), id: streamId }),
]);
export type StreamHello = z.infer<typeof streamHello>;

/** Runner → wrapper, on the control connection: make this stream, or refuse it. `kind: "port"` has a `port`. */
export const streamOrder = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), id: streamId, target: streamTarget }),
  /** Nobody wants it any more, open or not: what it leads to is broken off. */
  z.object({ kind: z.literal('cancel'), id: streamId }),
]);
export type StreamOrder = z.infer<typeof streamOrder>;

/** Wrapper → runner, on the control connection. */
export const streamReport = z.discriminatedUnion('kind', [
  /** There is no such stream. */
  z.object({ kind: z.literal('refused'), id: streamId, code: z.string().max(64), detail: z.string().max(1024) }),
  /** What the stream leads to has broken off: what came of it is not whole. A unix socket cannot say so by itself. */
  z.object({ kind: z.literal('broken'), id: streamId }),
]);
export type StreamReport = z.infer<typeof streamReport>;
