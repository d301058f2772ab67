import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, children, look, plant, writeContent } from '../../../support/snapshot/disk-tree.ts';
import { MemoryStore } from '../../../support/snapshot/memory-store.ts';
import { Session } from '../../../support/snapshot/session.ts';
import { scratch } from '../../../support/scratch.ts';
import { generatedRuns } from '../../../support/run/generated-runs.ts';

const root = process.getuid?.() === 0;

test('any tree comes back as it was: names, bytes, modes, links and times', async () => {
  const folder = scratch();
  await fc.assert(
    fc.asyncProperty(children, async (nodes) => {
      const session = new Session(new MemoryStore(), path.join(folder, randomUUID()));
      plant(Buffer.from(session.workspace), nodes);
      const saved = await session.save();
      expect(saved.skipped).toEqual([]);
      expect(saved.files).toBe(look(session.workspace).length);
      const restored = await session.restore(saved.id);
      expect(look(restored)).toEqual(look(session.workspace));
      rmSync(session.root, { recursive: true });
    }),
    // Each is a tree on disk, saved and restored.
    { numRuns: generatedRuns(120) },
  );
});

/** Changes to a tree, each of which finds its own place in it. */
const change = fc.record({
  kind: fc.constantFrom(
    'write',
    'same size',
    'append',
    'truncate',
    'remove',
    'rename',
    'mode',
    'file',
    'folder',
    'link',
    'copy',
  ),
  where: fc.nat(),
  seed: fc.integer({ min: 0, max: 50 }),
});

test('each snapshot of a chain restores what was there when it was taken', async () => {
  const folder = scratch();
  await fc.assert(
    fc.asyncProperty(
      children,
      fc.array(fc.array(change, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      async (nodes, rounds) => {
        const session = new Session(new MemoryStore(), path.join(folder, randomUUID()));
        plant(Buffer.from(session.workspace), nodes);
        const first = await session.save();
        const taken = [{ id: first.id, was: look(session.workspace) }];
        // Restored, so that what is known of each file is believed, however young it is.
        await session.restore(first.id, { into: session.workspace, cache: session.cache });
        for (const changes of rounds) {
          for (const one of changes) apply(session.workspace, one);
          const { id } = await session.save();
          taken.push({ id, was: look(session.workspace) });
        }
        for (const { id, was } of taken) expect(look(await session.restore(id))).toEqual(was);
        rmSync(session.root, { recursive: true });
      },
    ),
    // Each is a tree on disk, saved and restored up to six times.
    { numRuns: generatedRuns(50) },
  );
});

function apply(workspace: string, { kind, where, seed }: { kind: string; where: number; seed: number }): void {
  const all = look(workspace).map((line) => pathOf(workspace, line));
  const files = all.filter((path) => lstatSync(path).isFile());
  const file = files[where % Math.max(1, files.length)];
  const any = all[where % Math.max(1, all.length)];
  const content = { size: seed * 100, seed, holeFrom: seed * 100 };
  const fresh = path.join(workspace, `new-${seed}`);
  if (kind === 'file') return writeFileSync(clear(fresh), bytesOf(seed * 1000, seed));
  if (kind === 'folder')
    return void mkdirSync(path.join(clear(path.join(workspace, `folder-${seed}`)), 'inner'), { recursive: true });
  if (any === undefined) return;
  if (kind === 'remove') rmSync(any, { recursive: true });
  else if (kind === 'rename') {
    const to = `${fresh}-moved-${where}`;
    if (lstatSync(to, { throwIfNoEntry: false }) === undefined) renameSync(any, to);
  } else if (kind === 'mode' && !lstatSync(any).isSymbolicLink()) chmodSync(any, root ? seed * 10 : 0o700);
  else if (kind === 'link') {
    rmSync(any, { recursive: true });
    symlinkSync(`/somewhere/${seed}`, any);
  }
  if (file === undefined || !files.includes(file) || kind === 'remove' || kind === 'rename' || kind === 'link') return;
  if (kind === 'write') writeContent(file, content);
  else if (kind === 'append') appendFileSync(file, bytesOf(seed + 1, seed));
  else if (kind === 'truncate') truncateSync(file, where % (statSync(file).size + 1));
  else if (kind === 'copy') {
    const body = readFileSync(file);
    writeFileSync(clear(`${fresh}-copy`), body);
  } else if (kind === 'same size') {
    // As if nothing had happened, but for the time that nobody can set.
    const { size, mtimeMs } = statSync(file);
    writeFileSync(file, bytesOf(size, seed));
    utimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
  }
}

/** An earlier change may have left anything by this name, a link that leads nowhere included. */
function clear(place: string): string {
  rmSync(place, { recursive: true, force: true });
  return place;
}

function pathOf(workspace: string, line: string): Buffer {
  const [, quoted = '""'] = /^("(?:[^"\\]|\\.)*")/.exec(line) ?? [];
  const name: unknown = JSON.parse(quoted);
  return Buffer.from(`${workspace}/${String(name)}`, 'latin1');
}

test('a file that changes in one piece sends that piece alone, and one that does not change sends nothing', async () => {
  const session = new Session(new MemoryStore(), scratch());
  const large = path.join(session.workspace, 'large');
  writeFileSync(large, bytesOf(20_000_000, 1));
  for (let n = 0; n < 50; n += 1) writeFileSync(path.join(session.workspace, `small-${n}`), bytesOf(10_000, 2 * n + 1));
  const first = await session.save();
  expect(first.new_bytes).toBeGreaterThan(5_000_000);
  appendFileSync(large, 'one more line\n');
  const second = await session.save();
  expect(second.new_bytes).toBeLessThan(2_200_000);
  renameSync(large, `${large}-moved`);
  mkdirSync(path.join(session.workspace, 'folder'));
  for (let n = 0; n < 50; n += 1)
    renameSync(path.join(session.workspace, `small-${n}`), path.join(session.workspace, 'folder', `small-${n}`));
  const third = await session.save();
  expect(third.new_bytes).toBeLessThan(20_000);
  expect(look(await session.restore(third.id))).toEqual(look(session.workspace));
});

test('names of one file are names of one file again', async () => {
  const session = new Session(new MemoryStore(), scratch());
  mkdirSync(path.join(session.workspace, 'folder'));
  writeFileSync(path.join(session.workspace, 'folder', 'b'), bytesOf(3_000_000, 1));
  linkSync(path.join(session.workspace, 'folder', 'b'), path.join(session.workspace, 'a'));
  const saved = await session.save();
  expect(saved.bytes).toBe(3_000_000);
  const restored = await session.restore(saved.id);
  expect(statSync(path.join(restored, 'a')).ino).toBe(statSync(path.join(restored, 'folder', 'b')).ino);
  expect(look(restored)).toEqual(look(session.workspace));
});

test('a hole stays a hole', async () => {
  const session = new Session(new MemoryStore(), scratch());
  writeContent(path.join(session.workspace, 'sparse'), { size: 64_000_000, seed: 1, holeFrom: 5_000_000 });
  const saved = await session.save();
  const { size, blocks } = statSync(path.join(await session.restore(saved.id), 'sparse'));
  expect(size).toBe(64_000_000);
  expect(blocks * 512).toBeLessThan(8_000_000);
});

test.runIf(root)('a setuid bit is not kept, for the user that it spoke for is not kept either', async () => {
  const session = new Session(new MemoryStore(), scratch());
  const file = path.join(session.workspace, 'tool');
  writeFileSync(file, 'x');
  chmodSync(file, 0o6755);
  const restored = await session.restore((await session.save()).id, { as: { uid: 1234, gid: 4321 } });
  const { mode, uid, gid } = statSync(path.join(restored, 'tool'));
  expect([mode & 0o7777, uid, gid]).toEqual([0o755, 1234, 4321]);
  expect(statSync(restored).uid).toBe(1234);
  const own = await session.restore((await session.save()).id);
  expect(statSync(path.join(own, 'tool')).mode & 0o7777).toBe(0o755);
});

test('of the conversation, what a resumed one needs is kept, and no credential', async () => {
  const session = new Session(new MemoryStore(), scratch());
  const put = (name: string) => {
    const file = path.join(session.conversation, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, name);
  };
  const kept = [
    'projects/-workspace/x.jsonl',
    'projects/-workspace/x/tool-results/1',
    'projects/-workspace/memory/a.md',
  ];
  const left = ['.credentials.json', '.claude.json', 'shell-snapshots/s.sh', 'statsig/cache', 'debug/log', 'cache/x'];
  for (const name of [...kept, ...left]) put(name);
  const { id } = await session.save();
  const restored = await session.restore(id, { tree: 'conversation' });
  for (const name of kept) expect(readFileSync(path.join(restored, name), 'utf8')).toBe(name);
  expect(look(restored).filter((line) => !line.startsWith('"projects'))).toEqual([]);
});
