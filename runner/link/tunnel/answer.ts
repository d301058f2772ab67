import type { IncomingMessage } from 'node:http';
import type { Fields } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelStream } from './exchange.ts';

/** Node has fields as one list of names and values. */
export function pairs(raw: readonly string[]): Fields {
  const found: Fields = [];
  for (let at = 0; at + 1 < raw.length; at += 2) found.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return found;
}

/**
 * Sends the body of an answer, as fast as it is taken.
 *
 * @param over called when all of it has come, or no more will. False: the stream is over already
 */
export function passOnAnswer(response: IncomingMessage, stream: TunnelStream, over: () => boolean): void {
  const { end } = stream;
  response.on('data', (chunk: Buffer) => {
    void end.send('bytes', chunk).then(() => {
      if (end.waiting === 0) response.resume();
    });
    if (end.waiting > 0) response.pause();
  });
  // `close` follows.
  response.on('error', () => {});
  response.once('close', () => {
    if (!over()) return;
    if (!response.complete) return stream.reset('The server broke off in the middle of its answer.');
    end.end();
    stream.finish();
  });
}
