import type { ServerResponse } from 'node:http';

/** The error body of the Messages API. */
export function errorBody(type: string, message: string) {
  return { type: 'error', error: { type, message } } as const;
}

/** Answers with an HTTP status and an error body of the Messages API. */
export function sendError(
  response: ServerResponse,
  {
    status,
    type,
    message,
    retryAfter,
  }: { status: number; type: string; message: string; retryAfter?: number | undefined },
): void {
  const body = JSON.stringify(errorBody(type, message));
  const retry = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...retry,
  });
  response.end(body);
}
