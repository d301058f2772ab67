/** Of base64: some 8 MB of bytes. */
const MAX_BASE64 = 11_000_000;

/** What base64 says; `too long` without a look at it, `not base64` if it is none. */
export type Decoded = Uint8Array<ArrayBuffer> | 'too long' | 'not base64';

/** Decodes base64 as browsers know it (with or without padding, blanks allowed). */
export function bytesOf(base64: string): Decoded {
  if (base64.length > MAX_BASE64) return 'too long';
  let binary: string;
  try {
    binary = atob(base64);
  } catch {
    return 'not base64';
  }
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** A name for a file that a browser saves: without folders, hidden characters, and what systems keep for themselves. */
export function savedName(name: string, otherwise: string): string {
  const last = name.slice(0, 1000).split(/[\\/]/).at(-1) ?? '';
  const plain = last
    .replaceAll(/[^\p{L}\p{N} ._()+-]/gu, '_')
    .replace(/^[. ]+/, '')
    .replace(/[. ]+$/, '')
    .slice(-100);
  return plain === '' ? otherwise : plain;
}
