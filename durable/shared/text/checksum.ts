/**
 * Tells a text from others: its length and 64 bits, which no client can hit by accident. (Workers have no hash function that
 * answers at once.)
 */
export function checksumOf(text: string): string {
  return `${text.length} ${checksum(text, 0x811c9dc5)} ${checksum(text, 0x9e3779b9)}`;
}

/** FNV-1a over UTF-16 units, from a starting value. */
function checksum(text: string, begin: number): number {
  let hash = begin;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
