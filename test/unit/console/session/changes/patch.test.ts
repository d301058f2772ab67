import { expect, test } from 'vitest';
import { byFile } from '../../../../../console/session/changes/patch.ts';

const PATCH = `# not readable: secret/
diff --git a/a.txt b/a.txt
index 1..2 100644
--- a/a.txt
+++ b/a.txt
@@ -1,2 +1,3 @@
 one
-two
+diff --git a/x b/x
+three
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
index 3..0
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
diff --git a/new.bin b/new.bin
new file mode 100644
index 0..4
Binary files /dev/null and b/new.bin differ
`;

test('a patch is taken apart by file, with what each adds and removes', () => {
  const files = byFile(PATCH);
  expect([...files.keys()]).toEqual(['a.txt', 'gone.txt', 'new.bin']);
  expect(files.get('a.txt')).toMatchObject({ added: 2, removed: 1 });
  expect(files.get('gone.txt')).toMatchObject({ added: 0, removed: 1 });
  expect(files.get('new.bin')).toMatchObject({ added: 0, removed: 0 });
  expect(files.get('a.txt')?.text, 'lines of the file that look like a head are its own').toContain(
    '+diff --git a/x b/x',
  );
  expect(files.get('new.bin')?.text, 'what git alone needs is left out').toBe(
    'diff --git a/new.bin b/new.bin\nBinary files /dev/null and b/new.bin differ\n',
  );
  expect(byFile('')).toEqual(new Map());
});
