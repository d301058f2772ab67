import * as z from 'zod';
import { port, streamTarget } from './target.ts';

/**
 * The tunnel: one WebSocket for each (session, epoch) that has open streams, dialled by the runner when the session asks for
 * it (`tunnel` on the data socket). It carries what people say to ports and terminals of the container. Text messages are the
 * frames below; binary messages carry bytes (`message.ts`). Each direction of each stream has a window of its own
 * (`stream-end.ts`), so that a slow reader holds up nobody else, and costs one window of memory wherever it is slow.
 *
 * The session opens streams, and gives them their numbers. Frames of a stream that is over, or was never opened, are passed
 * over: they were under way when it ended.
 */

const stream = z.int().min(1).max(0xff_ff_ff_ff);

/** Most streams of a tunnel at a time. */
export const TUNNEL_STREAMS = 128;

/** Longest head of a request or an answer, characters; and most fields of it. */
const MAX_HEAD = 128 * 1024;
const MAX_FIELDS = 500;

/** Names and values in the order in which they came. Fields of one connection alone (hop-by-hop) are not among them. */
const fields = z.array(z.tuple([z.string(), z.string()])).max(MAX_FIELDS);
export type Fields = z.infer<typeof fields>;

const text = z.string().max(MAX_HEAD);

/** The end of one direction. Of a WebSocket: how it was closed; absent: without a code. */
const end = z.object({
  kind: z.literal('end'),
  stream,
  code: z.int().min(1000).max(4999).optional(),
  reason: z.string().max(123).optional(),
});
/** The other end may send this much more. */
const credit = z.object({ kind: z.literal('credit'), stream, bytes: z.int().min(1) });
/** The stream is over at once, in both directions. What came of it is not whole. */
const reset = z.object({ kind: z.literal('reset'), stream, detail: z.string().max(1024).optional() });

/** Session → runner. */
export const edgeTunnelFrame = z.discriminatedUnion('kind', [
  /** A request to an HTTP server of the container. With a `body` its bytes follow, up to `end`. */
  z.object({
    kind: z.literal('open_http'),
    stream,
    port,
    method: z.string().max(64),
    /** Path and query. */
    path: text,
    headers: fields,
    body: z.boolean(),
  }),
  /** The handshake of a WebSocket. */
  z.object({
    kind: z.literal('open_websocket'),
    stream,
    port,
    path: text,
    headers: fields,
    protocols: z.array(z.string().max(1024)).max(64),
  }),
  /** Bytes in both directions, each of which ends by itself. */
  z.object({ kind: z.literal('open_raw'), stream, target: streamTarget }),
  end,
  credit,
  reset,
]);
export type EdgeTunnelFrame = z.infer<typeof edgeTunnelFrame>;

/** Why a stream was not opened. A terminal has codes of its own besides. */
export const TUNNEL_REFUSALS = [
  /** The session has no container at the moment whose link is up. */
  'not_connected',
  /** The runner is of a version without tunnels. */
  'runner_outdated',
  /** The container's wrapper is of a version without streams, or does not come to its socket. */
  'container_outdated',
  /** Nothing listens on the port. */
  'port_closed',
  /** What listens there is not the session's. */
  'port_forbidden',
  /** What listens there does not speak HTTP, or ended before it had answered. */
  'bad_answer',
  'timeout',
  'too_many_streams',
  /** The tunnel was cut before there was an answer. */
  'tunnel_broken',
] as const;

/** Runner → session. */
export const runnerTunnelFrame = z.discriminatedUnion('kind', [
  /** The answer to a request, whose body follows up to `end`; status 101: the WebSocket is open. */
  z.object({ kind: z.literal('head'), stream, status: z.int().min(100).max(999), headers: fields }),
  /** The `raw` stream is open. */
  z.object({ kind: z.literal('opened'), stream }),
  /** There is no stream. */
  z.object({ kind: z.literal('refused'), stream, code: z.string().max(64), detail: z.string().max(1024) }),
  /** The runner is there. Each `TUNNEL_BEAT_MS`. */
  z.object({ kind: z.literal('beat') }),
  end,
  credit,
  reset,
]);
export type RunnerTunnelFrame = z.infer<typeof runnerTunnelFrame>;

/** Between two signs of life of the runner, milliseconds. An end that has heard nothing for three of them gives the tunnel up. */
export const TUNNEL_BEAT_MS = 10_000;

/** Largest message of a WebSocket that passes, bytes. A larger one closes it (1009). */
export const MAX_SOCKET_MESSAGE = 8 * 1024 * 1024;
