import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { CloseCode } from '../../protocol/close-code.ts';
import { eventEnvelope, previewEnvelope } from '../../protocol/api/session/event.ts';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';
import { viewerAnswer } from '../../protocol/api/session/viewer-socket.ts';
import { backoffMs } from '../../runner/lib/backoff.ts';
import type { Refused } from '../lib/refused.ts';

const streamEvent = previewEnvelope.extend({ seq: eventEnvelope.shape.seq.optional() });
export type StreamEvent = z.infer<typeof streamEvent>;

const frame = z.union([z.array(streamEvent), viewerAnswer]);

const RETRY = { minMs: 200, maxMs: 5000 };
/** After one of these close codes, a new connection would fail too. */
const FINAL: readonly number[] = [CloseCode.unauthorized, CloseCode.notFound, CloseCode.badFrame];

/**
 * Follows a session from its first event, and reconnects when the connection breaks, until `onEvent` returns true.
 *
 * @param url the session's stream, without a query
 * @param onEvent returns true to end
 * @returns why the stream could not be followed to its end; `undefined`: it could, or the signal aborted
 */
export async function followSession(
  url: string,
  token: string,
  onEvent: (event: StreamEvent) => boolean,
  signal: AbortSignal,
): Promise<Refused | undefined> {
  let after = 0;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const connection = await connectOnce(`${url}?after=${after}`, token, signal, (event) => {
      attempt = 0;
      if (event.seq !== undefined) after = event.seq;
      return onEvent(event);
    });
    if (connection.end === 'enough') return undefined;
    if (FINAL.includes(connection.code)) return { refused: `the stream was closed: ${connection.reason}` };
    await delay(RETRY.minMs + backoffMs(attempt, RETRY, Math.random()), undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

type ConnectionEnd = { end: 'enough' } | { end: 'closed'; code: number; reason: string };

function connectOnce(
  url: string,
  token: string,
  signal: AbortSignal,
  onEvent: (event: StreamEvent) => boolean,
): Promise<ConnectionEnd> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, maxPayload: MAX_FRAME_BYTES });
  const abort = () => socket.terminate();
  signal.addEventListener('abort', abort, { once: true });
  return new Promise<ConnectionEnd>((resolve) => {
    let failure = '';
    socket.on('message', (data: Buffer) => {
      const parsed = frame.parse(JSON.parse(data.toString()));
      if (!Array.isArray(parsed)) return;
      if (parsed.some((event) => onEvent(event))) {
        resolve({ end: 'enough' });
        socket.close(1000);
        return;
      }
      const last = parsed.findLast((event) => event.seq !== undefined)?.seq;
      if (last !== undefined) socket.send(JSON.stringify({ type: 'ack', seq: last }));
    });
    // A `close` event always follows.
    socket.on('error', (error) => (failure = error.message));
    socket.on('close', (code, reason) => resolve({ end: 'closed', code, reason: failure || reason.toString() }));
  }).finally(() => signal.removeEventListener('abort', abort));
}
