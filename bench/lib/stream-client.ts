import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { previewEnvelope, type PreviewEnvelope } from '../../protocol/api/session/event.ts';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';
import { viewerAnswer } from '../../protocol/api/session/viewer-socket.ts';
import type { Service } from './service.ts';

/** A frame of the stream. Events and previews differ by their type; answers are ignored. */
const frame = z.union([z.array(previewEnvelope), viewerAnswer]);

export interface StreamClient {
  prompt(text: string): void;
  close(): Promise<void>;
}

/**
 * A WebSocket client of a session's stream, from its first event on.
 *
 * @param onEvent gets each event, and the time when its frame was read, before parsing: nanoseconds of the monotonic clock
 */
export async function openStream(
  { url, token }: Service,
  sessionId: string,
  onEvent: (event: PreviewEnvelope, read: bigint) => void,
): Promise<StreamClient> {
  const address = `${url.replace(/^http/, 'ws')}/api/v1/sessions/${sessionId}/stream?after=0`;
  const socket = new WebSocket(address, {
    headers: { authorization: `Bearer ${token}` },
    maxPayload: MAX_FRAME_BYTES,
  });
  socket.on('message', (data: Buffer) => {
    const read = process.hrtime.bigint();
    const parsed = frame.parse(JSON.parse(data.toString()));
    if (Array.isArray(parsed)) for (const event of parsed) onEvent(event, read);
  });
  await once(socket, 'open');
  return {
    prompt: (text) => socket.send(JSON.stringify({ type: 'prompt', prompt: text })),
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.close(1000);
      await closed;
    },
  };
}
