import { HIDDEN, HIDDEN_IN_LINE, isWanted, nameOf } from './hidden.ts';

/** A piece of text as it is shown: text as it stands, or the name of what cannot be seen, and how often in a row. */
export type Piece = string | { readonly hidden: string; readonly times: number };

/**
 * Text in pieces, hidden characters apart.
 *
 * @param line whether it is shown as one line: then a line break and a tab are named too
 */
export function piecesOf(text: string, line = false): readonly Piece[] {
  const shown = text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text;
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: hidden, index } of shown.matchAll(line ? HIDDEN_IN_LINE : HIDDEN)) {
    const end = index + hidden.length;
    // Two units are one character at most: more would be looked through again at each emoji.
    if (isWanted(hidden, shown.slice(Math.max(from, index - 2), index), shown.slice(end, end + 2))) continue;
    if (index > from) pieces.push(shown.slice(from, index));
    from = end;
    const name = nameOf(hidden);
    const last = pieces.at(-1);
    const again = typeof last === 'object' && last.hidden === name;
    if (again) pieces[pieces.length - 1] = { hidden: name, times: last.times + 1 };
    else pieces.push({ hidden: name, times: 1 });
  }
  if (from < shown.length) pieces.push(shown.slice(from));
  return pieces;
}

/** How a hidden character is written where there is only text: `⟨RLO⟩`, `⟨NUL×12⟩`. */
export function markOf({ hidden, times }: Exclude<Piece, string>): string {
  return times === 1 ? `⟨${hidden}⟩` : `⟨${hidden}×${times}⟩`;
}

/**
 * Text for where no element can be: an attribute, the page's title, a notification. One line, hidden characters named, each piece
 * kept from turning what is around it.
 *
 * @param max characters, with the … of what was cut
 */
export function visibleText(text: string, max = 200): string {
  const pieces = piecesOf(cutAt(text, max), true);
  const shown = pieces.map((piece) => (typeof piece === 'string' ? piece : markOf(piece))).join('');
  const cut = text.length > max || shown.length > max ? `${cutAt(shown, max - 1)}…` : shown;
  return RIGHT_TO_LEFT.test(cut) ? `\u2068${cut}\u2069` : cut;
}

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** The first `max` characters, and no half of a pair. */
export function cutAt(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max);
}
