import * as z from 'zod';
import { STREAMS_SOCKET } from './tunnel/streams.ts';
import { answerHead, filesRefusal, filesRequest } from '../api/files/files.ts';

/**
 * The connection of a porter: a program beside a session on a machine that is not the runner's. It dials the runner over
 * TLS 1.3, arrives, and then carries each connection to one of the session's sockets as a stream of HTTP/2.
 */

/** The sockets of a session, by their places in the run folder. A stream's path is `/` and the name. */
export const PORTER_SOCKETS = {
  link: 'link.sock',
  model: 'model.sock',
  proxy: 'proxy.sock',
  streams: STREAMS_SOCKET,
} as const;
export type PorterService = keyof typeof PORTER_SOCKETS;
export const PORTER_SERVICES = ['link', 'model', 'proxy', 'streams'] as const satisfies readonly PorterService[];

/** The path of a stream whose answer is the files of the session's run folder, as a tar. */
export const RUN_PATH = '/run';

/**
 * The path of a stream that asks the runner's store of this session's files: `REQUEST_HEADER` says what, the body is an object
 * to put, and the answer's body what was asked for. 404: there is none. 413: it is too large.
 */
export const STORE_PATH = '/store';
export const REQUEST_HEADER = 'cc-request';
const key = z.string().regex(/^[\w][\w./-]{0,255}$/);
export const storeRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('id') }),
  z.object({ op: z.literal('put'), key }),
  z.object({
    op: z.literal('get'),
    key,
    /** Bytes from and to, both counted. */
    range: z.object({ first: z.int().min(0), last: z.int().min(0) }).optional(),
  }),
  z.object({ op: z.literal('has'), key }),
  z.object({ op: z.literal('list'), prefix: key }),
  z.object({ op: z.literal('remove'), key }),
]);
export type StoreRequest = z.infer<typeof storeRequest>;
export const storedObjects = z.array(z.object({ key: z.string(), size: z.int(), modified: z.number() }));

/** The one part of that store. */
export const STORE_OWNER = '0'.repeat(64);

/** The path of a stream whose answer is open as long as the connection: each line is the number of an order to save the files. */
export const ORDERS_PATH = '/orders';
/** The path of a stream that says that an order was carried out: an `OrdersDone`. */
export const DONE_PATH = '/done';
/** Longest such report, bytes. */
export const ORDER_LIMIT = 4096;
export const ordersDone = z.object({
  /** null: nobody ordered it. The session has ended, and all that it left is saved. */
  order: z.int().min(1).nullable(),
  /** Why it could not be; null: it was. */
  problem: z.string().max(1024).nullable(),
});
export type OrdersDone = z.infer<typeof ordersDone>;

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

/** The path of a stream that the porter keeps open: on it come the runner's requests for files, a line of JSON each. */
export const REQUESTS_PATH = '/requests';

/**
 * A client's request for the files of a session that runs. The porter answers on a stream whose path is `ANSWERS_PATH` and the id:
 * first a line with a `porterAnswer`, then the bytes of the answer. The other direction has the request's body. Both are
 * chunks, of which the last one says that nothing is missing (`runner/lib/streams/chunks.ts`).
 */
export const porterRequest = z.object({
  id: z.int().min(1),
  request: filesRequest,
  /** The limits of the session's files; null: none. */
  limits: z.object({ mb: z.number(), files: z.number() }).nullable(),
});
export type PorterRequest = z.infer<typeof porterRequest>;

export const ANSWERS_PATH = '/answers/';

export const porterAnswer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), head: answerHead }),
  z.object({ ok: z.literal(false), refusal: filesRefusal }),
]);
export type PorterAnswer = z.infer<typeof porterAnswer>;

/** Longest line of a request or an answer, bytes. */
export const MAX_PORTER_LINE = 64 * 1024;

/** Longest arrival, bytes. */
export const MAX_ARRIVAL = 4096;

/**
 * Streams of a porter beside those that carry its session's connections. Half of them stay its own; with the other half it may ask
 * for more of the session's than the runner grants, which is how the runner learns of it.
 */
export const PORTER_OWN_STREAMS = 64;

/** Between two pings of either end, milliseconds. One that is not answered until the next is due ends the connection. */
export const PORTER_PING_MS = 4_000;
