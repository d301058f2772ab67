import type { IncomingMessage, ServerResponse } from 'node:http';

/** How one request ended. */
export type ModelExchange =
  /** The model answered, maybe with an error of its own. */
  | { outcome: 'answered'; status: number; headersMs: number; totalMs: number }
  /** No answer came: the connection failed before the headers. */
  | { outcome: 'unreachable'; code: string }
  /** The model began to answer and broke off. */
  | { outcome: 'broken'; status: number; code: string }
  /** Claude Code hung up. */
  | { outcome: 'aborted' }
  /** A bug in the gateway; its log says more. */
  | { outcome: 'failed' }
  /** Not a request that the gateway takes. */
  | { outcome: 'refused'; status: 404 | 413 };

/**
 * Answers one request, or throws. `signal` is aborted when the client hangs up. Read `body`, not `request`: the gateway
 * limits it, and may have read a part of it already.
 */
export type ModelHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  body: AsyncIterable<Buffer>,
) => Promise<ModelExchange>;
