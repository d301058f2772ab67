import { MAX_CONTENT } from './limits.ts';
import { wholeUpTo } from './text.ts';

/** A person still reads so many messages one after the other. */
export const MAX_PARTS = 5;

/** There is room in this for closing and reopening a code block, and for some text. UTF-16 units. */
const MIN_LENGTH = 200;

export type Split =
  | { readonly as: 'messages'; readonly parts: readonly string[] }
  /** Too long for messages. `head` is its beginning, as a message that goes with the file. */
  | { readonly as: 'file'; readonly head: string };

export interface SplitLimits {
  /** The longest part, UTF-16 units; at least `MIN_LENGTH`. */
  readonly length?: number;
  readonly parts?: number;
}

/** Discord's code blocks begin and end with these, anywhere in a line. */
const FENCE = /`{3,}/g;
/** A fence at the end of a line opens a block, with the language behind it. */
const LANGUAGE = /`{3,}([A-Za-z0-9_+\-.#]{1,32})$/;
const CLOSE = '\n```';
/** A line that holds only a fence. */
const BARE_FENCE = /^\s*`{3,}[A-Za-z0-9_+\-.#]{0,32}\s*$/;
/** The longest fence that reopens a block, its line break, and the fence that closes the block. */
const OVERHEAD = 3 + 32 + 1 + CLOSE.length;

/**
 * Splits a text into messages that Discord takes: between lines if possible, else between words, never inside a
 * surrogate pair. A code block that goes on in the next part is closed and reopened with its language. A blank text has
 * no parts.
 */
export function splitMessage(text: string, { length = MAX_CONTENT, parts = MAX_PARTS }: SplitLimits = {}): Split {
  const all = splitAll(text.toWellFormed().trimEnd(), length, parts + 1);
  return all.length <= parts ? { as: 'messages', parts: all } : { as: 'file', head: all[0] ?? '' };
}

/** The beginning of a text, of so many UTF-16 units (or 200, if that is more), with its code blocks closed. */
export function beginning(text: string, length: number): string {
  return splitAll(text.toWellFormed().trimEnd(), Math.max(length, MIN_LENGTH), 1)[0] ?? '';
}

/** A line, or the part of a long line that fits into a message. */
interface Piece {
  readonly text: string;
  /** What stands before it, unless it begins a part. */
  readonly glue: '\n' | ' ' | '';
}

/** The language of the open code block ('' if it has none); null: no block is open. */
type Block = string | null;

function splitAll(text: string, length: number, enough: number): string[] {
  if (text === '') return [];
  if (text.length <= length) return [text];
  const parts: string[] = [];
  const pieces = piecesOf(text, length - OVERHEAD);
  for (let next = 0; next < pieces.length && parts.length < enough;) {
    const filled = fill(pieces, next, blockBefore(pieces, next), length);
    if (filled.part !== '') parts.push(filled.part);
    next = filled.next;
  }
  return parts;
}

/** The part that begins with that piece, and the first piece after it. */
function fill(pieces: readonly Piece[], from: number, inside: Block, length: number): { part: string; next: number } {
  let part = inside === null ? '' : `\`\`\`${inside}`;
  let block = inside;
  let hasText = false;
  let next = from;
  /** The part before the fence that ends it. */
  let beforeFence: string | null = null;
  for (let piece = pieces[next]; piece !== undefined; piece = pieces[next]) {
    const after = blockAfter(block, piece.text);
    const longer = part + (part === '' ? '' : next === from ? '\n' : piece.glue) + piece.text;
    if (longer.length + (after === null ? 0 : CLOSE.length) > length) break;
    const isBare = BARE_FENCE.test(piece.text);
    beforeFence = isBare && block === null && after !== null && hasText ? part : null;
    hasText ||= !isBare && piece.text.trim() !== '';
    // A part does not begin with blank lines, or with a block that is closed before it has text.
    part = hasText || after !== null ? longer : '';
    block = after;
    next += 1;
  }
  // A block that would be empty begins in the next part.
  if (beforeFence !== null) return { part: beforeFence.trimEnd(), next: next - 1 };
  if (!hasText) return { part: '', next };
  return { part: block === null ? part.trimEnd() : part + CLOSE, next };
}

function blockBefore(pieces: readonly Piece[], next: number): Block {
  return pieces.slice(0, next).reduce<Block>((block, { text }) => blockAfter(block, text), null);
}

function blockAfter(before: Block, text: string): Block {
  const fences = text.match(FENCE)?.length ?? 0;
  if (fences === 0) return before;
  const isOpen = (before === null) === (fences % 2 === 1);
  return isOpen ? (LANGUAGE.exec(text)?.[1] ?? '') : null;
}

function piecesOf(text: string, longest: number): Piece[] {
  return text.split('\n').flatMap((line) => {
    const pieces: Piece[] = [];
    let rest = line;
    let glue: Piece['glue'] = '\n';
    while (rest.length > longest) {
      const at = breakAt(rest, longest);
      pieces.push({ text: rest.slice(0, at), glue });
      glue = rest[at] === ' ' ? ' ' : '';
      rest = rest.slice(at + glue.length);
    }
    return [...pieces, { text: rest, glue }];
  });
}

/** Where to break a line that is too long: before a space, or else not inside a fence or a surrogate pair. */
function breakAt(line: string, longest: number): number {
  const space = line.lastIndexOf(' ', longest);
  if (space > longest / 2) return space;
  let at = longest;
  while (at > longest / 2 && line[at - 1] === '`' && line[at] === '`') at -= 1;
  return wholeUpTo(line, at);
}
