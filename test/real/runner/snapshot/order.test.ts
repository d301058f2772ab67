import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder } from '../../../../runner/snapshot/format/base-cursor.ts';
import { stalePacks } from '../../../../runner/snapshot/format/stale-packs.ts';
import { walkTree } from '../../../../runner/snapshot/save/tree-walk.ts';
import { scratch } from '../../../support/scratch.ts';
import { children, plant } from '../../../support/snapshot/disk-tree.ts';
import { generatedRuns } from '../../../support/run/generated-runs.ts';

test('a walk goes in the order by which two lists are compared', () => {
  const root = scratch();
  // What comes between a folder and what is in it, by the bytes of whole paths.
  const file = { type: 'file', content: { size: 0, seed: 0, holeFrom: 0 }, mode: 0o644, mtime: 0 } as const;
  const inner = { type: 'folder', children: new Map([['x', file]]), mode: 0o755, mtime: 0 } as const;
  const between = new Map(['a', 'a b', 'a-b', 'a.b', 'aa'].map((name) => [name, inner]));
  fc.assert(
    fc.property(children, (nodes) => {
      const folder = path.join(root, randomUUID());
      mkdirSync(folder);
      plant(Buffer.from(folder), nodes);
      let before: string | undefined;
      for (const { path: name } of walkTree(folder, { skip: () => {} })) {
        if (before !== undefined) expect([inOrder(before, name), inOrder(name, before)]).toEqual([true, false]);
        before = name;
      }
    }),
    // Each is a tree on disk.
    { numRuns: generatedRuns(100), examples: [[between]] },
  );
});

const MB = 1024 * 1024;
const block = (pack: number, live: number, raw: number) => {
  const stored = { offset: 0, stored: raw, zstd: false, hash: null };
  return { pack, raw, live, ...stored };
};
const contents = (sizes: number[], blocks: ReturnType<typeof block>[]) => {
  const packs = sizes.map((size) => ({ id: randomUUID(), size }));
  return { files: 1, bytes: 1, sections: 1, packs, blocks };
};

test('a pack that is mostly waste is not referred to again, nor are many tiny ones', () => {
  const used = contents([16 * MB, 16 * MB, MB / 2], [block(0, 15 * MB, 16 * MB), block(1, 7 * MB, 16 * MB)]);
  expect([...stalePacks(used)]).toEqual([1]);
  const tiny = (count: number) =>
    contents([16 * MB, ...Array.from({ length: count }, () => 1000)], [block(0, 16 * MB, 16 * MB)]);
  expect(stalePacks(tiny(23)).size).toBe(0);
  expect([...stalePacks(tiny(24))]).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
});
