import type { IncomingMessage, ServerResponse } from 'node:http';

/** How one request ended. */
export type ModelExchange =
  /** The model answered, perhaps with an error. */
  | { outcome: 'answered'; status: number; headersMs: number; totalMs: number }
  /** No answer came: the connection failed before the headers. */
  | { outcome: 'unreachable'; code: string }
  /** The connection failed after the model had begun to answer. */
  | { outcome: 'broken'; status: number; code: string }
  /** Claude Code hung up. */
  | { outcome: 'aborted' }
  /** A bug in the gateway; see its log. */
  | { outcome: 'failed' }
  /** The gateway does not accept this request. */
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
