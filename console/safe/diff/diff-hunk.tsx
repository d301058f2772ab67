import { useMemo } from 'preact/hooks';
import { ShownText } from '../text/shown-text.tsx';
import { cutAt } from '../text/visible.ts';
import { type Word, wordsOf } from './compare.ts';
import type { DiffLine } from './lines.ts';
import { pairsOf } from './pairs.ts';

interface Props {
  readonly title: string;
  readonly lines: readonly DiffLine[];
  readonly isFirst: boolean;
}

/** A longer line is no code that somebody reads here. */
const MAX_LINE = 2000;
/** Milliseconds for the words of one hunk; what is left is marked by the line. */
const MAX_WORDS_MS = 30;

/** Lines that follow each other. */
export function DiffHunk({ title, lines, isFirst }: Props) {
  const words = useMemo(() => wordsOfAll(lines), [lines.length, lines[0], lines.at(-1)]);
  return (
    <table class="diff-lines">
      {/* What stands between two hunks is left out. */}
      {(!isFirst || title !== '') && (
        <caption class="diff-title">
          ⋯ <ShownText text={cutAt(title, 200)} line />
        </caption>
      )}
      <tbody>
        {lines.map((line, index) => (
          <tr key={index} class={`diff-line-${line.kind}`}>
            <td class="diff-number">{line.before}</td>
            <td class="diff-number">{line.after}</td>
            <td class="diff-sign">{SIGNS[line.kind]}</td>
            <td class="diff-text">
              <LineText line={line} words={words.get(line)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const SIGNS: Readonly<Record<DiffLine['kind'], string>> = { same: ' ', removed: '−', added: '+' };

function LineText({ line, words }: { readonly line: DiffLine; readonly words: readonly Word[] | undefined }) {
  if (words === undefined)
    return (
      <>
        <ShownText text={cutAt(line.text, MAX_LINE)} />
        {line.text.length > MAX_LINE && (
          <span class="safe-rest">… ({line.text.length - MAX_LINE} characters more)</span>
        )}
      </>
    );
  return words.map(({ text, changed }, index) =>
    changed ? (
      <mark key={index} class="diff-word">
        <ShownText text={text} />
      </mark>
    ) : (
      <ShownText key={index} text={text} />
    ),
  );
}

function wordsOfAll(lines: readonly DiffLine[]): ReadonlyMap<DiffLine, readonly Word[]> {
  const end = performance.now() + MAX_WORDS_MS;
  const all = new Map<DiffLine, readonly Word[]>();
  for (const [before, after] of pairsOf(lines)) {
    if (before.kind !== 'removed' || performance.now() > end) continue;
    const words = wordsOf(before.text, after.text);
    if (words !== null) all.set(before, words.before).set(after, words.after);
  }
  return all;
}
