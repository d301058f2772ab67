/** No chunk is longer, in characters and in lines, but a fence: what a parser does with one is bounded by that. */
const MAX_CHARS = 8000;
const MAX_LINES = 250;

/** The line that opens a fence of code, and its fence. */
const FENCE = /^ {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
/** A line that may still become a list's item while it grows. */
const MAYBE_ITEM = /^(?:[-*+]|\d{1,9}[.)]?)?$/;

interface Reading {
  /** The fence that is open. */
  fence: string;
  inList: boolean;
  lines: number;
  chars: number;
  afterBlank: boolean;
}

/**
 * Cuts Markdown where blocks begin that do not depend on the ones before: so each chunk is parsed once, and while text grows at its
 * end, all chunks but the last one stay as they are. What nobody writes, such as a list of a thousand lines, is cut inside too.
 *
 * @returns chunks, which are the text when they are joined
 */
export function chunksOf(text: string): readonly string[] {
  const chunks: string[] = [];
  let from = 0;
  let at = 0;
  let reading = begun();
  while (at < text.length) {
    const newline = text.indexOf('\n', at);
    const next = newline === -1 ? text.length : newline + 1;
    const line = text.slice(at, newline === -1 ? text.length : newline).replace(/\r$/, '');
    if (at > from && beginsChunk(line, reading)) {
      chunks.push(text.slice(from, at));
      from = at;
      reading = begun();
    }
    take(line, reading);
    at = next;
  }
  if (from < text.length) chunks.push(text.slice(from));
  return chunks;
}

function begun(): Reading {
  return { fence: '', inList: false, lines: 0, chars: 0, afterBlank: false };
}

function beginsChunk(line: string, { fence, inList, lines, chars, afterBlank }: Reading): boolean {
  if (fence !== '') return false;
  if (lines >= MAX_LINES || chars + line.length > MAX_CHARS) return true;
  if (!inList && FENCE.test(line) && !line.startsWith(' ')) return true;
  if (!afterBlank || line === '' || /^\s/.test(line)) return false;
  return !inList || (!LIST_ITEM.test(line) && !MAYBE_ITEM.test(line));
}

function take(line: string, reading: Reading): void {
  reading.lines++;
  reading.chars += line.length + 1;
  reading.afterBlank = line.trim() === '';
  if (reading.fence !== '') {
    if (closes(line, reading.fence)) {
      reading.fence = '';
      reading.afterBlank = true;
    }
    return;
  }
  if (LIST_ITEM.test(line)) reading.inList = true;
  const open = FENCE.exec(line);
  reading.fence = open?.[1] ?? open?.[2] ?? '';
}

function closes(line: string, fence: string): boolean {
  const shown = line.trim();
  return shown.length >= fence.length && shown === (fence[0] ?? '').repeat(shown.length);
}
