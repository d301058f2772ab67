/** Bytes in base64url, without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** The bytes of a text in base64url, with padding or without. @throws when it is none */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/').replaceAll('=', '');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
