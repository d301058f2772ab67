/**
 * UTF-16 units in one part of a long text, such as an event's data. SQLite in a Durable Object limits a row to 2 MB, and a
 * UTF-16 unit takes up to 3 bytes there.
 */
const PART_UNITS = 500_000;

/** Splits text into parts that fit a row, but never within a surrogate pair: half a pair cannot be stored as UTF-8. */
export function splitText(text: string): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + PART_UNITS, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}
