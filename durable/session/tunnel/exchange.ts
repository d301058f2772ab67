import type { EdgeTunnelFrame, RunnerTunnelFrame } from '../../../protocol/link/tunnel/frames.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import type { StreamClose, StreamEnd } from '../../../protocol/link/tunnel/stream-end.ts';
import type { TunnelRefusal } from './refusal.ts';

export type Head = Pick<Extract<RunnerTunnelFrame, { kind: 'head' }>, 'status' | 'headers'>;

type Unnumbered<Frame> = Frame extends unknown ? Omit<Frame, 'stream'> : never;
/** How a stream is asked for. */
export type OpenFrame = Unnumbered<Extract<EdgeTunnelFrame, { kind: `open_${string}` }>>;

/** What one stream carries, at the session. After `denied`, `broken` and, of some, `end` it is over. */
export interface Exchange {
  head(head: Head): void;
  opened(): void;
  denied(refusal: TunnelRefusal): void;
  /** @param cost to be given to `taken` of the stream's end, once the bytes are out of this object */
  bytes(part: Omit<TunnelMessage, 'stream'>, cost: number): void;
  /** The runner sends nothing more. */
  end(how: StreamClose): void;
  /** The stream was cut. What came of it is not whole. */
  broken(detail: string): void;
}

/** A stream, for its exchange. */
export interface TunnelStream {
  readonly end: StreamEnd;
  /** Nobody wants it any more: it is over. */
  reset(): void;
  /** It is over: the runner knows that it is. */
  finish(): void;
}
