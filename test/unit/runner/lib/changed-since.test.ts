import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { changedSince, markUnchanged } from '../../../../runner/lib/changed-since.ts';
import { scratch } from '../../../support/scratch.ts';

/** A folder as it is, and a note that it was so: `later` than any change until now. */
async function setUp() {
  const folder = scratch();
  const stamp = path.join(scratch(), 'stamp');
  const at = (name: string) => path.join(folder, name);
  mkdirSync(at('empty'));
  writeFileSync(at('file'), 'one');
  symlinkSync('/etc', at('link'));
  // As if a while had passed: the kernel's times are coarse, and what is this new counts as changed.
  await markUnchanged(stamp, Date.now() + 2_000);
  return {
    at,
    changed: async () => await changedSince(stamp, [folder]),
    since: (ms: number) => markUnchanged(stamp, ms),
  };
}

test('what nobody touched is unchanged, wherever its links lead', async () => {
  const { changed } = await setUp();
  expect(await changed()).toBe(false);
});

test.each<[string, (at: (name: string) => string) => void]>([
  ['a new file', (at) => writeFileSync(at('empty/new'), '')],
  ['other content', (at) => writeFileSync(at('file'), 'two')],
  ['content that pretends to be old', (at) => (writeFileSync(at('file'), 'two'), utimesSync(at('file'), 1, 1))],
  ['other permissions', (at) => chmodSync(at('file'), 0o600)],
  ['a file that is gone', (at) => rmSync(at('file'))],
])('%s is a change', async (_, change) => {
  const { at, changed, since } = await setUp();
  change(at);
  // The change came a moment after the note.
  await since(Date.now());
  expect(await changed()).toBe(true);
});

test('what cannot be looked at counts as changed', async () => {
  expect(await changedSince(path.join(scratch(), 'no-stamp'), [scratch()])).toBe(true);
});
