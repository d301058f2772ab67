/** A binary message of a tunnel: the number of its stream (32 bits, big endian), what the bytes are, and the bytes. */
const HEADER_BYTES = 5;

/** `text`, `binary`: of a message of a WebSocket. Text is UTF-8. */
export type BytesKind = 'bytes' | 'text' | 'binary';

const KINDS: readonly BytesKind[] = ['bytes', 'text', 'binary'];
/** More parts of the same message follow. */
const MORE = 0x80;

export interface TunnelMessage {
  readonly stream: number;
  readonly kind: BytesKind;
  readonly more: boolean;
  readonly bytes: Uint8Array;
}

export function encodeMessage({ stream, kind, more, bytes }: TunnelMessage): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + bytes.byteLength);
  new DataView(message.buffer).setUint32(0, stream);
  message[4] = KINDS.indexOf(kind) | (more ? MORE : 0);
  message.set(bytes, HEADER_BYTES);
  return message;
}

/** The parts of a message, of which `bytes` is a view; null: it is not a message of a tunnel. */
export function decodeMessage(message: Uint8Array): TunnelMessage | null {
  const flags = message[4];
  if (flags === undefined) return null;
  const kind = KINDS[flags & ~MORE];
  if (kind === undefined) return null;
  const stream = new DataView(message.buffer, message.byteOffset, message.byteLength).getUint32(0);
  return { stream, kind, more: (flags & MORE) !== 0, bytes: message.subarray(HEADER_BYTES) };
}
