import { diffWordsWithSpace, structuredPatch } from 'diff';
import type { FileDiff } from './lines.ts';
import { readPatch } from './read-patch.ts';

/** Milliseconds for one comparison. What takes longer has little in common. */
const TIMEOUT = 40;
/** Characters of each side: a line is compared with each line. */
const MAX_COMPARED = 200_000;
const CONTEXT = 3;

/**
 * The diff of two texts. What is too different to compare in time is shown as all removed and all added.
 *
 * @returns `null` if they are equal
 */
export function compared(before: string, after: string, path: string | null): FileDiff | null {
  if (before === after) return null;
  const short = before.length <= MAX_COMPARED && after.length <= MAX_COMPARED;
  const found = short
    ? structuredPatch('', '', before, after, '', '', { context: CONTEXT, timeout: TIMEOUT })
    : undefined;
  if (found === undefined) return { path, oldPath: null, notes: [], hunks: [replaced(before, after)] };
  const hunks = found.hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) =>
    [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines].join('\n'),
  );
  return { path, oldPath: null, notes: [], hunks: readPatch(hunks.join('\n')).flatMap(({ hunks }) => hunks) };
}

function replaced(before: string, after: string): FileDiff['hunks'][number] {
  return {
    title: '',
    lines: [
      ...linesIn(before).map((text, index) => ({ kind: 'removed' as const, text, before: index + 1, after: null })),
      ...linesIn(after).map((text, index) => ({ kind: 'added' as const, text, before: null, after: index + 1 })),
    ],
  };
}

function linesIn(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** Part of a changed line: whether the other line has it too. */
export interface Word {
  readonly text: string;
  readonly changed: boolean;
}

/** Longer lines are marked whole. */
const MAX_LINE = 400;

/**
 * What differs between a removed line and the added one in its place.
 *
 * @returns `null` where that tells nothing: the lines are long, or hardly alike
 */
export function wordsOf(
  before: string,
  after: string,
): { readonly before: readonly Word[]; readonly after: readonly Word[] } | null {
  if (before.length > MAX_LINE || after.length > MAX_LINE) return null;
  const changes = diffWordsWithSpace(before, after, { timeout: 5 });
  if (changes === undefined) return null;
  const kept = changes
    .filter(({ added, removed }) => !added && !removed)
    .reduce((sum, { value }) => sum + value.trim().length, 0);
  if (kept * 3 < Math.max(before.trim().length, after.trim().length)) return null;
  return {
    before: changes.filter(({ added }) => !added).map(({ value, removed }) => ({ text: value, changed: removed })),
    after: changes.filter(({ removed }) => !removed).map(({ value, added }) => ({ text: value, changed: added })),
  };
}
