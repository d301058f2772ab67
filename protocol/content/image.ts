import type { ImageType } from './blocks.ts';

/** What an image's first bytes say of it. */
export interface ImageFacts {
  readonly media_type: ImageType;
  /** Pixels; null: the header does not say. */
  readonly size: { readonly width: number; readonly height: number } | null;
}

/**
 * Reads the header of an image. Null: it is none that Claude takes.
 *
 * @param bytes one character a byte, as `atob` makes it
 */
export function imageFacts(bytes: string): ImageFacts | null {
  if (bytes.startsWith('\x89PNG\r\n\x1a\n')) return { media_type: 'image/png', size: pngSize(bytes) };
  if (bytes.startsWith('\xff\xd8\xff')) return { media_type: 'image/jpeg', size: jpegSize(bytes) };
  if (/^GIF8[79]a/.test(bytes)) return { media_type: 'image/gif', size: gifSize(bytes) };
  if (bytes.startsWith('RIFF') && bytes.startsWith('WEBP', 8))
    return { media_type: 'image/webp', size: webpSize(bytes) };
  return null;
}

/** An unsigned integer of `count` bytes, the largest part first. NaN past the end. */
function big(bytes: string, at: number, count: number): number {
  let value = 0;
  for (let n = 0; n < count; n += 1) value = value * 256 + bytes.charCodeAt(at + n);
  return value;
}

/** The same, the smallest part first. */
function little(bytes: string, at: number, count: number): number {
  let value = 0;
  for (let n = count - 1; n >= 0; n -= 1) value = value * 256 + bytes.charCodeAt(at + n);
  return value;
}

function known(width: number, height: number): ImageFacts['size'] {
  return Number.isNaN(width) || Number.isNaN(height) ? null : { width, height };
}

/** The chunk IHDR comes first (PNG, 11.2.2). */
function pngSize(bytes: string): ImageFacts['size'] {
  return bytes.startsWith('IHDR', 12) ? known(big(bytes, 16, 4), big(bytes, 20, 4)) : null;
}

function gifSize(bytes: string): ImageFacts['size'] {
  return known(little(bytes, 6, 2), little(bytes, 8, 2));
}

/** In the first frame header (SOF): JPEG, B.2.2. The segments before it have their lengths. */
function jpegSize(bytes: string): ImageFacts['size'] {
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes.charCodeAt(at) !== 0xff) return null;
    const marker = bytes.charCodeAt(at + 1);
    // Fill bytes.
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return known(big(bytes, at + 7, 2), big(bytes, at + 5, 2));
    } else at += 2 + big(bytes, at + 2, 2);
  }
  return null;
}

/** RFC 9649: a simple image (lossy or lossless), or an extended one. */
function webpSize(bytes: string): ImageFacts['size'] {
  if (bytes.startsWith('VP8X', 12)) return known(little(bytes, 24, 3) + 1, little(bytes, 27, 3) + 1);
  if (bytes.startsWith('VP8 ', 12)) return known(little(bytes, 26, 2) % 0x4000, little(bytes, 28, 2) % 0x4000);
  if (!bytes.startsWith('VP8L', 12)) return null;
  const bits = little(bytes, 21, 4);
  return known((bits % 0x4000) + 1, (Math.floor(bits / 0x4000) % 0x4000) + 1);
}
