import fc from 'fast-check';
import { createTwoFilesPatch } from 'diff';
import { describe, expect, test } from 'vitest';
import { compared, wordsOf } from '../../../../console/safe/diff/compare.ts';
import { type FileDiff, sizeOf } from '../../../../console/safe/diff/lines.ts';
import { pairsOf } from '../../../../console/safe/diff/pairs.ts';
import { readPatch } from '../../../../console/safe/diff/read-patch.ts';
import { anyText } from '../../../support/console/any-text.ts';

function textOf(file: FileDiff | undefined): readonly string[] {
  const signs = { same: ' ', removed: '-', added: '+' } as const;
  return (file?.hunks ?? []).flatMap(({ lines }) =>
    lines.map(({ kind, text, before, after }) => `${before ?? ''}/${after ?? ''} ${signs[kind]}${text}`),
  );
}

describe('a patch', () => {
  test('of git: files, numbers, names, notes', () => {
    const [changed, renamed, binary, quoted, removed] = readPatch(`diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,3 @@ function main() {
 one
-two
+2
 three
@@ -10 +10,2 @@
 ten
+eleven
\\ No newline at end of file
diff --git a/old.ts b/new.ts
similarity index 90%
rename from old.ts
rename to new.ts
diff --git a/x.png b/x.png
Binary files a/x.png and b/x.png differ
diff --git "a/\\303\\251\\t.ts" "b/\\303\\251\\t.ts"
--- "a/\\303\\251\\t.ts"
+++ "b/\\303\\251\\t.ts"
@@ -1 +1 @@
--- a
+++ b
diff --git a/gone.ts b/gone.ts
deleted file mode 100644
--- a/gone.ts
+++ /dev/null
@@ -1 +0,0 @@
-all
`);
    expect(changed).toMatchObject({ path: 'src/a.ts', oldPath: null, notes: [] });
    expect(changed?.hunks.map(({ title }) => title)).toEqual(['function main() {', '']);
    expect(textOf(changed)).toEqual(['1/1  one', '2/ -two', '/2 +2', '3/3  three', '10/10  ten', '/11 +eleven']);
    expect(renamed).toMatchObject({ path: 'new.ts', oldPath: 'old.ts', hunks: [] });
    expect(binary).toMatchObject({ path: 'x.png', notes: ['Binary files a/x.png and b/x.png differ'] });
    // Lines that look like the head of a file.
    expect(quoted?.path).toBe('é\t.ts');
    expect(textOf(quoted)).toEqual(['1/ --- a', '/1 +++ b']);
    expect(removed).toMatchObject({ path: 'gone.ts', notes: ['deleted file mode 100644'] });
  });

  test('of `diff -u`: two files without a line between them', () => {
    const patch = `${createTwoFilesPatch('a', 'a', 'x\n', 'y\n')}${createTwoFilesPatch('b', 'b', 'x\n', 'y\n')}`;
    expect(readPatch(patch).map(({ path }) => path)).toEqual(['a', 'b']);
  });

  test('that is cut, or is none, is shown as far as it goes', () => {
    const [file] = readPatch('--- a/x\n+++ b/x\n@@ -1,100 +1,100 @@\n one\n-two\n+2');
    expect(textOf(file)).toEqual(['1/1  one', '2/ -two', '/2 +2']);
    expect(readPatch('hello\nworld')).toEqual([{ path: null, oldPath: null, notes: ['hello', 'world'], hunks: [] }]);
  });

  test('of any text throws nothing, and of a right one says what has changed', () => {
    const part = fc.constantFrom(
      'diff --git a/x b/x',
      '--- a/x',
      '+++ b/x',
      '@@ -1,2 +1,2 @@',
      '@@ -999999999 +1 @@',
      ' a',
      '-b',
      '+c',
      '\\ No newline',
      '',
      '"',
      'rename from x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, anyText(8)), { maxLength: 30 }), (lines) => {
        readPatch(lines.join('\n'));
      }),
    );
  });

  test('of a megabyte is read at once', () => {
    const begun = process.cpuUsage();
    const [file] = readPatch(`@@ -1,200000 +1,200000 @@\n${'-a\n+b\n'.repeat(170_000)}`);
    expect(sizeOf(file ?? { path: null, oldPath: null, notes: [], hunks: [] })).toEqual({
      added: 170_000,
      removed: 170_000,
    });
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(1500);
  });
});

describe('two texts', () => {
  test('are compared by lines', () => {
    const file = compared('one\ntwo\nthree\n', 'one\n2\nthree\n', 'a.md');
    expect(file?.path).toBe('a.md');
    expect(textOf(file ?? undefined)).toEqual(['1/1  one', '2/ -two', '/2 +2', '3/3  three']);
    expect(compared('a', 'a', null)).toBeNull();
  });

  test('give back both: what is removed or the same is the one, what is added or the same the other', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', '--- c', '+++ d', '@@ -1 +1 @@', ''), { maxLength: 12 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = compared(before, after, null)?.hunks.flatMap(({ lines }) => lines) ?? [];
        for (const [kind, side, text] of [
          ['added', 'before', before],
          ['removed', 'after', after],
        ] as const) {
          const all = text.split('\n');
          for (const line of lines) if (line.kind !== kind) expect(line.text).toBe(all[(line[side] ?? 0) - 1]);
        }
      }),
    );
  });

  test('that have nothing in common are replaced, in no time', () => {
    const before = Array.from({ length: 20_000 }, (_, index) => `a${index}\n`).join('');
    const after = Array.from({ length: 20_000 }, (_, index) => `b${index}\n`).join('');
    const begun = process.cpuUsage();
    const file = compared(before, after, null);
    expect(file && sizeOf(file)).toEqual({ added: 20_000, removed: 20_000 });
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(1500);
  });
});

test('words of a changed line are marked, unless most of it has changed', () => {
  const words = wordsOf("const colour = 'red';", "const colour = 'teal';");
  expect(words?.before.filter(({ changed }) => changed)).toEqual([{ text: 'red', changed: true }]);
  expect(words?.after.filter(({ changed }) => changed)).toEqual([{ text: 'teal', changed: true }]);
  expect(wordsOf('abc', 'xyz')).toBeNull();
  expect(wordsOf('a '.repeat(5000), 'b '.repeat(5000))).toBeNull();
});

test('a removed line and the added one in its place are a pair', () => {
  const [file] = readPatch('@@ -1,3 +1,4 @@\n-a\n-b\n+c\n d\n-e\n+f\n+g');
  const pairs = [...pairsOf(file?.hunks[0]?.lines ?? [])].map(([a, b]) => `${a.text}${b.text}`);
  expect(pairs).toEqual(['ac', 'ca', 'ef', 'fe']);
});
