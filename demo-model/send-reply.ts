import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Reply } from './reply.ts';
import * as events from './stream-events.ts';

export type SendOptions = {
  head: events.MessageHead;
  stream: boolean;
  newToolId: () => string;
  /** Waits between the words of a paced stream; rejects when the signal is aborted. */
  wait: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Aborted when the client hangs up. */
  signal: AbortSignal;
};

/**
 * Writes a reply as the Messages API does: as a stream or as one JSON body, at the pace that the reply asks for, and no
 * faster than the client reads.
 *
 * @throws when the client hangs up
 */
export async function sendReply(
  response: ServerResponse,
  { blocks, ending }: Reply,
  options: SendOptions,
): Promise<void> {
  const { head, stream, newToolId, signal } = options;
  const opening = events.openingEvents(head, blocks, newToolId, ending.kind !== 'stop');
  // Nothing at all was said before an error: then it is an HTTP error.
  const streams = stream && (blocks.length > 0 || ending.kind === 'stop');
  if (streams) {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    await writeEvents(response, opening, options);
  } else {
    for (const { waitMs } of opening) await pause(waitMs, options);
  }
  switch (ending.kind) {
    case 'stop': {
      const reason = ending.reason ?? events.stopReason(blocks);
      if (streams) {
        await writeEvents(response, events.closingEvents(blocks, reason), options);
        response.end();
      } else {
        const content = events.messageContent(blocks, newToolId);
        const body = events.messageBody(head, content, reason, events.outputTokens(blocks));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      }
      break;
    }
    case 'error':
      if (streams) {
        await writeEvents(response, [{ waitMs: 0, data: errorBody(ending.type, ending.message) }], options);
        response.end();
      } else {
        sendError(response, ending);
      }
      break;
    case 'cut':
      response.destroy();
      break;
    case 'hang':
      if (!signal.aborted) await once(signal, 'abort');
      signal.throwIfAborted();
  }
}

async function writeEvents(
  response: ServerResponse,
  timed: Iterable<events.TimedEvent>,
  options: SendOptions,
): Promise<void> {
  for (const { waitMs, data } of timed) {
    await pause(waitMs, options);
    await write(response, `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}

async function pause(ms: number, { wait, signal }: SendOptions): Promise<void> {
  if (ms > 0) await wait(ms, signal);
}

/** Resolves when the kernel has taken the chunk, so a slow reader slows the stream. */
function write(response: ServerResponse, chunk: string): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** The error body of the Messages API. */
function errorBody(type: string, message: string) {
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
