import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { sendError } from './error.ts';
import type { ModelExchange, ModelHandler } from './exchange.ts';
import { PauseGate } from './pause-gate.ts';
import { BodyTooLarge, limitedBody } from './request-body.ts';
import { runnerMetrics } from '../lib/metrics.ts';
import { listenOnUnixSocket } from '../lib/streams/unix-socket.ts';

/** Largest request that goes to the model, bytes: what Anthropic's API takes. */
const MAX_MODEL_REQUEST_BYTES = 32 * 1024 * 1024;

/** More than one Claude Code and its subagents ever open at once. Further connections are refused. */
const MAX_CONNECTIONS = 128;

type GatewayLog = (level: 'warn' | 'error', message: string) => void;

export type ModelGatewayOptions = {
  /** The socket to create. A stale file at this path is replaced. */
  socketPath: string;
  /** Answers the requests that the gateway accepts. */
  handler: ModelHandler;
  /** Messages never hold a credential or any part of a conversation. */
  log: GatewayLog;
  /** Answers what is no call of the model. False: it does not. Absent: nothing else is answered. */
  others?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** `start`: when the request came, epoch milliseconds. */
  onExchange?: (exchange: ModelExchange, start: number) => void;
};

export type ModelGateway = {
  /** Pauses new requests, or resumes all that wait. Requests that the model already has continue. */
  setPaused(paused: boolean): void;
  close(): Promise<void>;
};

/**
 * Opens a session's model gateway: plain HTTP on a unix socket. The handler replaces the dummy credential by the real one.
 *
 * @throws when the socket cannot be created
 */
export async function openModelGateway(options: ModelGatewayOptions): Promise<ModelGateway> {
  // Memory for paused requests: as much as one request may have.
  const gate = new PauseGate(MAX_MODEL_REQUEST_BYTES);
  const server = createServer((request, response) => void serve(request, response, gate, options));
  server.maxConnections = MAX_CONNECTIONS;
  // The client pools its connections. If the server closed one while the client sends on it, that request would be lost.
  server.keepAliveTimeout = 0;
  // A paused request may stay unread for hours.
  server.requestTimeout = 0;
  const stopListening = await listenOnUnixSocket(server, options.socketPath);
  return {
    setPaused: (paused) => gate.set(paused),
    close: async () => {
      const stopped = stopListening();
      server.closeAllConnections();
      await stopped;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  gate: PauseGate,
  { handler, log, others, onExchange }: ModelGatewayOptions,
): Promise<void> {
  if (others?.(request, response) === true) return;
  const start = Date.now();
  const hangUp = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) hangUp.abort();
  });
  const exchange = await exchangeOf(request, response, handler, gate, hangUp.signal, log);
  if (exchange.outcome === 'unreachable' || exchange.outcome === 'broken') {
    log(
      'warn',
      `the model ${exchange.outcome === 'broken' ? 'broke off its answer' : 'is unreachable'}: ${exchange.code}`,
    );
  }
  countExchange(exchange);
  onExchange?.(exchange, start);
}

function countExchange(exchange: ModelExchange): void {
  const { outcome } = exchange;
  const shown = outcome === 'answered' ? `${Math.floor(exchange.status / 100)}xx` : outcome;
  runnerMetrics.count('cc_docker_runner_model_calls_total', { outcome: shown });
  if (outcome !== 'answered') return;
  runnerMetrics.observe('cc_docker_runner_model_call_duration_seconds', {}, exchange.totalMs / 1000);
}

async function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  handler: ModelHandler,
  gate: PauseGate,
  signal: AbortSignal,
  log: GatewayLog,
): Promise<ModelExchange> {
  if (request.method !== 'POST' || request.url !== '/v1/messages?beta=true') {
    sendError(response, 404, 'not_found_error', 'cc-docker: only POST /v1/messages?beta=true goes to the model.');
    return { outcome: 'refused', status: 404 };
  }
  try {
    if (Number(request.headers['content-length'] ?? 0) > MAX_MODEL_REQUEST_BYTES) throw new BodyTooLarge();
    const body = limitedBody(await gate.pass(request, signal), MAX_MODEL_REQUEST_BYTES);
    return await handler(request, response, signal, body);
  } catch (error) {
    if (signal.aborted) return { outcome: 'aborted' };
    if (error instanceof BodyTooLarge && !response.headersSent) {
      const message = `cc-docker: a request to the model may have ${MAX_MODEL_REQUEST_BYTES / 1024 / 1024} MiB.`;
      sendError(response, 413, 'request_too_large', message, { connection: 'close' });
      return { outcome: 'refused', status: 413 };
    }
    // A failed write may come before the `close` that aborts the signal. A response without a socket has lost its client too.
    if (response.socket === null || response.socket.destroyed) return { outcome: 'aborted' };
    log(
      'error',
      `the model gateway failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    if (response.headersSent) response.destroy();
    else sendError(response, 500, 'api_error', 'cc-docker: the model gateway failed; its log says why.');
    return { outcome: 'failed' };
  }
}
