import type { Fields } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import type { StreamClose, StreamEnd } from '../../../protocol/link/tunnel/stream-end.ts';
import { messageOf } from '../../lib/log.ts';
import { StreamRefused } from './stream-server.ts';

/** What serves one stream of a tunnel in the container. */
export interface Exchange {
  /** @param cost to be given to `taken` of the stream's end, once the bytes are out of this process */
  bytes(part: Omit<TunnelMessage, 'stream'>, cost: number): void;
  /** The session sends nothing more. */
  end(how: StreamClose): void;
  /** Nobody wants it any more. */
  cancel(): void;
}

/** A stream, for its exchange. After `refuse`, `reset` and `finish` it is over. */
export interface TunnelStream {
  readonly end: StreamEnd;
  head(status: number, headers: Fields): void;
  opened(): void;
  refuse(code: string, detail: string): void;
  /** What was sent is not whole. */
  reset(detail: string): void;
  /** All is sent that was to be, and received. */
  finish(): void;
}

/** Says why there is no answer. */
export function refuseFor(stream: TunnelStream, error: unknown): void {
  if (error instanceof StreamRefused) stream.refuse(error.code, error.message);
  else stream.refuse('bad_answer', `The server gave no answer that is HTTP: ${messageOf(error)}`.slice(0, 1024));
}
