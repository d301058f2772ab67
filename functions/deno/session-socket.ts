import { CloseCode, passableCloseCode } from '../../protocol/close-code.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/settings/limits.ts';
import { EdgeUnreachable, type DoorClient } from './door-client.ts';
import { WebSocket, type PlainAnswer } from './node.mjs';
import type { ServedSocket } from './runtime.ts';

/** Longest time until a session's socket is open, milliseconds. */
const HANDSHAKE_MS = 30_000;
/** Largest frame of a session, bytes: one holds a batch, or one line of Claude Code. */
const MAX_FRAME = 64 * 1024 * 1024;
/** What may wait for a viewer that does not read, bytes. Beyond that it has to come back with its cursor. */
const MAX_WAITING = 8 * 1024 * 1024;
/** What may wait for a session that does not read, bytes: the largest message, and a half. */
const MAX_UPWARDS = 1.5 * MAX_CONTENT_BYTES;

/**
 * Opens a socket of a session. It is paused, until there is a client to read it.
 *
 * @returns the answer, if it was refused
 * @throws {EdgeUnreachable}
 */
export function dialSession(
  door: DoorClient,
  path: string,
): Promise<{ readonly socket: WebSocket } | { readonly answer: Response }> {
  const url = `${door.url.replace(/^http/, 'ws')}${path}`;
  const socket = new WebSocket(url, {
    headers: door.headers,
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_FRAME,
  });
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.pause();
      resolve({ socket });
    });
    socket.on('unexpected-response', (request, plain) => {
      answerOf(plain)
        .then((answer) => resolve({ answer }), reject)
        .finally(() => request.destroy());
    });
    // Once it is open, `close` follows, and says what there is to say.
    socket.on('error', (error) => reject(new EdgeUnreachable(`The session cannot be reached: ${error.message}`)));
  });
}

async function answerOf(plain: PlainAnswer): Promise<Response> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of plain) chunks.push(chunk);
  const headers = { 'content-type': plain.headers['content-type'] ?? 'application/octet-stream' };
  return new Response(new Blob(chunks), { status: plain.statusCode, headers });
}

/**
 * Passes frames between a viewer and its session, until one of them closes: then the other one does.
 */
export function join(viewer: ServedSocket, session: WebSocket): void {
  viewer.binaryType = 'arraybuffer';
  viewer.addEventListener('open', () => session.resume());
  viewer.addEventListener('message', ({ data }) => {
    if (session.bufferedAmount <= MAX_UPWARDS) return session.send(data);
    close(viewer, CloseCode.tooMany, 'the session does not take what was sent as fast as it came');
  });
  viewer.addEventListener('close', ({ code, reason }) => {
    // A session cannot be told 1005 and 1006, which no frame has.
    if (code === 1005 || code === 1006) session.close();
    else session.close(passableCloseCode(code), reason);
    // Frames that wait are for nobody.
    session.resume();
  });
  viewer.addEventListener('error', () => session.terminate());

  session.on('message', (data, isBinary) => {
    if (viewer.readyState !== OPEN) return;
    if (viewer.bufferedAmount <= MAX_WAITING) return viewer.send(isBinary ? data : decoder.decode(data));
    close(viewer, CloseCode.tooSlow, 'come back with ?after= the last seq that you have');
    session.close(1000);
  });
  session.on('close', (code, reason) => close(viewer, passableCloseCode(code), decoder.decode(reason)));
}

const OPEN = 1;
const decoder = new TextDecoder();

function close(socket: ServedSocket, code: number, reason: string): void {
  if (socket.readyState <= OPEN) socket.close(code, reason);
}
