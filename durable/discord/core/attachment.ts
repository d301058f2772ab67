import { wholeUpTo } from './text/text.ts';
import type { MessageFile } from './wire/message.ts';

/** The size of a file as JSON in UTF-8. It is stored until it is sent, and a SQLite row of a Durable Object holds 2 MB. */
const MAX_BYTES = 1_500_000;
const CUT = '\n\n[Cut here: it is longer than a file on Discord is made. The session’s log has all of it.]\n';

/** A text as a file for a message. A text that is too long is cut, and says so. */
export function attachment(name: string, text: string): MessageFile {
  if (storedBytes(text) <= MAX_BYTES) return { name, text };
  // Find the longest beginning that fits, to within some hundred characters. A binary search, because an escape makes
  // six bytes of one character.
  let [fits, tooLong] = [0, Math.min(text.length, MAX_BYTES)];
  while (tooLong - fits > 500) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (storedBytes(text.slice(0, middle)) + CUT.length * 3 <= MAX_BYTES) fits = middle;
    else tooLong = middle;
  }
  return { name, text: text.slice(0, wholeUpTo(text, fits)) + CUT };
}

const storedBytes = (text: string) => new TextEncoder().encode(JSON.stringify(text)).length;
