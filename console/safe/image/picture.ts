/** The pictures that are shown: a browser draws them, and runs nothing in them. SVG is a document, and is not among them. */
const KINDS = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;
type Kind = (typeof KINDS)[number];

/** What may be shown of an agent's picture. */
export type Picture =
  | { readonly ok: true; readonly kind: Kind; readonly width: number; readonly height: number }
  /** `type`: it is no picture, or another one than it says. `size`: it is more than a browser should unpack. */
  | { readonly ok: false; readonly why: 'type' | 'size' };

/** A small file can unpack to gigabytes: 40 million dots are 160 MB. */
const MAX_DOTS = 40_000_000;

/**
 * Reads from the first bytes whether a picture is what it says it is, and how large.
 *
 * @param mediaType as its sender says it
 */
export function pictureOf(mediaType: string, bytes: Uint8Array): Picture {
  const kind = KINDS.find((kind) => kind === mediaType.toLowerCase());
  const size = kind === undefined ? null : SIZES[kind](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (kind === undefined || size === null) return { ok: false, why: 'type' };
  const [width, height] = size;
  if (width === 0 || height === 0) return { ok: false, why: 'type' };
  return width * height > MAX_DOTS ? { ok: false, why: 'size' } : { ok: true, kind, width, height };
}

type Size = readonly [width: number, height: number];

/** The size in a file's first bytes; `null` if they are not of that kind. */
const SIZES: Readonly<Record<Kind, (view: DataView) => Size | null>> = {
  'image/png': png,
  'image/jpeg': jpeg,
  'image/gif': gif,
  'image/webp': webp,
};

/** https://www.w3.org/TR/png-3/#5PNG-file-signature: the signature, then IHDR. */
function png(view: DataView): Size | null {
  if (view.byteLength < 24 || view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a) return null;
  return textAt(view, 12, 4) === 'IHDR' ? [view.getUint32(16), view.getUint32(20)] : null;
}

function gif(view: DataView): Size | null {
  if (view.byteLength < 10 || !/^GIF8[79]a$/.test(textAt(view, 0, 6))) return null;
  return [view.getUint16(6, true), view.getUint16(8, true)];
}

/** ITU T.81: segments, until the one that begins a frame. */
function jpeg(view: DataView): Size | null {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

/** RFC 9649: a RIFF file, whose first chunk has the size in one of three ways. */
function webp(view: DataView): Size | null {
  if (view.byteLength < 30 || textAt(view, 0, 4) !== 'RIFF' || textAt(view, 8, 4) !== 'WEBP') return null;
  const chunk = textAt(view, 12, 4);
  if (chunk === 'VP8 ') return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  if (chunk === 'VP8X') return [1 + uint24(view, 24), 1 + uint24(view, 27)];
  const bits = view.getUint32(21, true);
  return chunk === 'VP8L' ? [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)] : null;
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function textAt(view: DataView, at: number, length: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
}
