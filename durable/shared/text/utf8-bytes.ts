/** UTF-16 units that are looked at together. Each takes at most 3 bytes. */
const UNITS = 16 * 1024;

const encoder = new TextEncoder();
/** What is written here is never read. An encoded copy of each text would be garbage at once, outside of V8's heap. */
const scratch = new Uint8Array(3 * UNITS);

/** How many bytes a text has in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length;) {
    const { read, written } = encoder.encodeInto(at === 0 && text.length <= UNITS ? text : part(text, at), scratch);
    bytes += written;
    at += read;
  }
  return bytes;
}

/** Not within a surrogate pair: each half would count as a whole character. */
function part(text: string, from: number): string {
  const to = from + UNITS;
  const last = text.charCodeAt(to - 1);
  return text.slice(from, last >= 0xd800 && last <= 0xdbff && to < text.length ? to - 1 : to);
}
