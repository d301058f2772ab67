import type { ServerResponse } from 'node:http';
import { UpstreamProxyError } from '../lib/upstream-proxy/connect-through.ts';

/** Error `type` for a model that could not be reached. It is the gateway's own, not one of Anthropic's. */
export const MODEL_UNREACHABLE = 'model_unreachable';

/** An error in the shape of Anthropic's API. */
function anthropicError(type: string, message: string) {
  return { type: 'error', error: { type, message } } as const;
}

/** Answers with an error in the shape of Anthropic's API. */
export function sendError(
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(anthropicError(type, message));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** The code of a failed connection (`ECONNREFUSED`, `ENOTFOUND`, `UND_ERR_CONNECT_TIMEOUT`, …), or undefined for a bug. */
export function networkErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return networkErrorCode(error.cause);
}

/** A message for people: the model's address, and the error code or what the proxy on the way did. */
export function unreachableMessage(baseUrl: string, code: string, error: unknown): string {
  const proxy = proxyErrorOf(error);
  if (proxy !== undefined) return `cc-docker: the model at ${baseUrl} cannot be reached: ${proxy.message}.`;
  return `cc-docker: the model at ${baseUrl} cannot be reached (${code}). Check ANTHROPIC_BASE_URL and that it is up.`;
}

function proxyErrorOf(error: unknown): UpstreamProxyError | undefined {
  if (error instanceof UpstreamProxyError) return error;
  return error instanceof Error ? proxyErrorOf(error.cause) : undefined;
}
