import type { DiffLine, FileDiff, Hunk } from './lines.ts';

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)$/;

interface Reading {
  path: string | null;
  oldPath: string | null;
  readonly notes: string[];
  readonly hunks: { title: string; lines: DiffLine[] }[];
}

/** Lines of the hunk that are still to come, as its head says it. */
interface Left {
  before: number;
  after: number;
  beforeLine: number;
  afterLine: number;
}

/**
 * Reads a unified diff, git's too. `parsePatch` of the package `diff` throws where one is cut or wrong, which is no reason to show
 * nothing: here each line is shown that looks like one.
 */
export function readPatch(patch: string): readonly FileDiff[] {
  const files: Reading[] = [];
  let left: Left = { before: 0, after: 0, beforeLine: 0, afterLine: 0 };
  for (const line of patch.replace(/\n$/, '').split('\n')) {
    const file = files.at(-1);
    const hunk = file?.hunks.at(-1);
    if (hunk !== undefined && (left.before > 0 || left.after > 0) && takeLine(line, hunk.lines, left)) continue;
    const head = HUNK.exec(line);
    if (head !== null) {
      const [, before, beforeCount = '1', after, afterCount = '1', title = ''] = head;
      left = { ...counts(beforeCount, afterCount), beforeLine: Number(before), afterLine: Number(after) };
      (file ?? begun(files)).hunks.push({ title, lines: [] });
    } else takeHead(line, file, files);
  }
  return files.map(withPath);
}

function counts(before: string, after: string): Pick<Left, 'before' | 'after'> {
  return { before: Number(before), after: Number(after) };
}

function begun(files: Reading[]): Reading {
  const file: Reading = { path: null, oldPath: null, notes: [], hunks: [] };
  files.push(file);
  return file;
}

/** @returns whether it was a line of the hunk */
function takeLine(line: string, lines: DiffLine[], left: Left): boolean {
  const sign = line[0] ?? ' ';
  const text = line.slice(1);
  if (sign === '-') {
    lines.push({ kind: 'removed', text, before: left.beforeLine++, after: null });
    left.before--;
  } else if (sign === '+') {
    lines.push({ kind: 'added', text, before: null, after: left.afterLine++ });
    left.after--;
  } else if (sign === ' ') {
    lines.push({ kind: 'same', text, before: left.beforeLine++, after: left.afterLine++ });
    left.before--;
    left.after--;
  } else return false;
  return true;
}

const QUIET = /^(index |similarity index |dissimilarity index |\\ No newline|$)/;

function takeHead(line: string, file: Reading | undefined, files: Reading[]): void {
  const git = /^diff --git (.*)$/.exec(line);
  if (git !== null) {
    const both = /^(?:"?a\/)(.*?)"? "?b\/(.*?)"?$/.exec(git[1] ?? '');
    begun(files).path = both === null ? unquoted(git[1] ?? '') : unquoted(both[2] ?? '');
    return;
  }
  const named = /^(---|\+\+\+) (.*)$/.exec(line);
  if (named !== null) {
    const [, sign, name = ''] = named;
    // A plain diff has no other line that begins a file.
    const of = file === undefined || (sign === '---' && file.hunks.length > 0) ? begun(files) : file;
    const path = pathIn(name);
    if (sign === '---') of.oldPath = path;
    else of.path = path ?? of.path;
    return;
  }
  const from = /^(?:rename|copy) from (.*)$/.exec(line);
  if (from !== null && file !== undefined) file.oldPath = unquoted(from[1] ?? '');
  else if (!QUIET.test(line) && !/^(?:rename|copy) to /.test(line)) (file ?? begun(files)).notes.push(line);
}

/** The path of a `---` or `+++` line, without git's `a/` and the time that `diff -u` writes behind a tab. */
function pathIn(name: string): string | null {
  const path = unquoted(name.split('\t')[0] ?? '');
  return path === '/dev/null' ? null : path.replace(/^[ab]\//, '');
}

/** git writes a name with odd bytes in quotes, as C does. */
function unquoted(name: string): string {
  if (!/^".*"$/.test(name)) return name;
  const bytes: number[] = [];
  for (const [part, octal, letter] of name.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gsu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255);
    else bytes.push(...new TextEncoder().encode(letter === undefined ? part : (ESCAPES.get(letter) ?? letter)));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
]);

function withPath({ path, oldPath, notes, hunks }: Reading): FileDiff {
  const shown = path ?? oldPath;
  return { path: shown, oldPath: oldPath === shown ? null : oldPath, notes, hunks: hunks satisfies readonly Hunk[] };
}
