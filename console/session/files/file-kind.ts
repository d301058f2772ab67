/** So much of a file is looked at, bytes. */
export const MOST_SHOWN = 512 * 1024;
/** A larger picture is saved, not shown, bytes. */
export const MOST_IMAGE = 10 * 1024 * 1024;

/** How a file is shown. */
export type FileKind =
  | { readonly kind: 'image'; readonly mediaType: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary' };

const IMAGES: readonly { readonly mediaType: string; readonly begins: readonly (number | null)[] }[] = [
  { mediaType: 'image/png', begins: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] },
  { mediaType: 'image/jpeg', begins: [0xff, 0xd8, 0xff] },
  { mediaType: 'image/gif', begins: [0x47, 0x49, 0x46, 0x38] },
  {
    mediaType: 'image/webp',
    begins: [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50],
  },
];

/**
 * What a file is, by its content: a name may say anything. An SVG is text.
 *
 * @param bytes its first ones
 * @param isWhole there are no more
 */
export function kindOf(bytes: Uint8Array, isWhole: boolean): FileKind {
  const image = IMAGES.find(({ begins }) => begins.every((byte, at) => byte === null || bytes[at] === byte));
  if (image !== undefined) return { kind: 'image', mediaType: image.mediaType };
  if (bytes.includes(0)) return { kind: 'binary' };
  try {
    // The last character may be cut in two.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole });
    return { kind: 'text', text };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { kind: 'binary' };
  }
}
