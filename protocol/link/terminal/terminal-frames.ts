/** What a frame of a terminal's stream holds. */
export const FrameKind = { input: 0, output: 1, error: 2, text: 3 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array;
}

/** Of a frame's contents. */
export const MAX_FRAME_BYTES = 256 * 1024;
const HEADER_BYTES = 5;

const isKind = (byte: number): byte is FrameKind => byte <= FrameKind.text;

/** A frame as it is sent: its kind, its length (4 bytes, big-endian), its contents. */
export function encodeFrame(kind: FrameKind, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  frame[0] = kind;
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** A frame that holds JSON. */
export const encodeText = (message: object): Uint8Array =>
  encodeFrame(FrameKind.text, new TextEncoder().encode(JSON.stringify(message)));

/** Puts frames together from a stream of bytes, in bounded memory. */
export class FrameReader {
  #parts: Uint8Array[] = [];
  #size = 0;
  #broken = false;

  /** The frames that end within this chunk; null: the other end does not speak frames, and nothing more is read of it. */
  push(chunk: Uint8Array): Frame[] | null {
    if (this.#broken) return null;
    if (chunk.length > 0) this.#parts.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.#size < HEADER_BYTES) return frames;
      const header = this.#peek(HEADER_BYTES);
      const kind = header[0] ?? 0;
      const length = new DataView(header.buffer, header.byteOffset).getUint32(1);
      if (!isKind(kind) || length > MAX_FRAME_BYTES) {
        this.#broken = true;
        this.#parts = [];
        return null;
      }
      if (this.#size < HEADER_BYTES + length) return frames;
      const whole = this.#take(HEADER_BYTES + length);
      frames.push({ kind, bytes: whole.subarray(HEADER_BYTES) });
    }
  }

  #peek(length: number): Uint8Array {
    const [first] = this.#parts;
    if (first === undefined || first.length < length) this.#parts = [this.#joined()];
    return (this.#parts[0] ?? new Uint8Array()).subarray(0, length);
  }

  #take(length: number): Uint8Array {
    const [first = new Uint8Array()] = this.#parts;
    if (first.length < length) this.#parts = [this.#joined()];
    const [from = new Uint8Array()] = this.#parts;
    const rest = from.subarray(length);
    if (rest.length === 0) this.#parts.shift();
    else this.#parts[0] = rest;
    this.#size -= length;
    return from.subarray(0, length);
  }

  #joined(): Uint8Array {
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
