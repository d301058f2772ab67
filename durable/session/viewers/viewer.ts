import { CloseCode } from '../../../protocol/close-code.ts';

/** The state of one viewer. Stored as the socket's attachment, so that it survives hibernation. */
export interface Viewer {
  readonly kind: 'viewer';
  /** The viewer uses the seed's dialect: one message per frame. */
  readonly plain: boolean;
  /** `seq` of the last event that was sent to it. */
  cursor: number;
  /** Sent and not acknowledged yet, UTF-16 units. workerd does not report how much of it is still in its buffer. */
  unacknowledged: number;
  /** The viewer acknowledges what it has read, so sending can pause until it does. */
  acknowledges: boolean;
  /** Since when its window is full, epoch milliseconds; null: it is not full. */
  stalled: number | null;
  /** When something was last sent to it, epoch milliseconds. */
  sent_at: number;
  /** When its token expires, epoch milliseconds. */
  readonly expires: number;
  /** The scopes of its token. */
  readonly scopes: string;
  /** What a revocation knows its token by. Viewers of an earlier version have none of it. */
  readonly jti?: string | null;
  readonly issued?: number | null;
  readonly of?: string | undefined;
  /** Where the viewer is. */
  readonly address?: string | null;
  /** The `traceparent` that its prompts have unless they say otherwise. */
  readonly traceparent?: string;
}

export interface ViewerOptions extends Pick<
  Viewer,
  'plain' | 'acknowledges' | 'expires' | 'scopes' | 'jti' | 'issued' | 'of' | 'address' | 'traceparent'
> {
  /** The cursor to start after; null: only events from now on. */
  readonly after: number | null;
}

/** Disconnects a viewer whose token has expired. @returns whether it is disconnected */
export function closeIfExpired(socket: WebSocket, { expires }: Viewer, now: number): boolean {
  if (now < expires) return false;
  socket.close(CloseCode.unauthorized, 'the token has expired: come back with a new one, and with your cursor');
  return true;
}
