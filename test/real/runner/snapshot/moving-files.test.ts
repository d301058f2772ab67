import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync, writeSync, openSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readManifest } from '../../../../runner/snapshot/format/manifest.ts';
import { readContent, readEntries } from '../../../../runner/snapshot/restore/read-tree.ts';
import { bytesOf, look } from '../../../support/snapshot/disk-tree.ts';
import { MemoryStore } from '../../../support/snapshot/memory-store.ts';
import { OWNER, Session } from '../../../support/snapshot/session.ts';
import { scratch } from '../../../support/scratch.ts';

/** Runs a program of `support/` until the test ends; resolves when it has begun. */
async function runBeside(name: string, ...args: string[]): Promise<void> {
  const child = fork(path.join(import.meta.dirname, '../../../support/snapshot', name), args);
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await once(child, 'message');
}

test('a file that is written while it is read is saved as it was at one moment, or named as not saved', async () => {
  const session = new Session(new MemoryStore(), scratch());
  // Two letters in one file were never there at one moment; nor two ends of `counted` that are further apart than one.
  await runBeside('busy-writer.ts', session.workspace);
  let saved = 0;
  let skipped = 0;
  for (let round = 0; round < 25; round += 1) {
    const snapshot = await session.save();
    skipped += snapshot.skipped.length;
    for (const { path: name, why } of snapshot.skipped) {
      expect(['rewritten', 'appended', 'replaced', 'truncated', 'counted', 'new']).toContain(name);
      expect(why).toMatch(/changed each of the \d times that it was read|became something else while it was read/);
    }
    for await (const entry of readEntries(session.store, OWNER, { snapshot_id: snapshot.id, tree: 'workspace' })) {
      const parts: Uint8Array[] = [];
      for await (const part of readContent(session.store, OWNER, entry)) parts.push(part);
      const content = Buffer.concat(parts);
      saved += 1;
      if (entry.path.toString() === 'counted') {
        const ahead = (content.readUInt8(content.length - 1) - content.readUInt8(0) + 256) % 256;
        expect(ahead, 'of two ends that were read at different moments').toBeLessThanOrEqual(1);
        continue;
      }
      const isOne = content.equals(Buffer.alloc(content.length, content[0] ?? 0));
      expect(isOne, `${entry.path.toString()}: one letter in ${content.length} bytes`).toBe(true);
    }
  }
  expect(saved).toBeGreaterThan(20);
  expect(saved + skipped).toBeGreaterThan(50);
});

test('pipes and sockets are left out, by name and with the reason', async () => {
  const session = new Session(new MemoryStore(), scratch());
  writeFileSync(path.join(session.workspace, 'file'), 'x');
  execFileSync('mkfifo', [path.join(session.workspace, 'pipe')]);
  const server = createServer().listen(path.join(session.workspace, 'socket'));
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const saved = await session.save();
  expect(saved.skipped).toEqual([
    { path: 'pipe', why: 'is a named pipe: only files, folders and links are saved' },
    { path: 'socket', why: 'is a socket: only files, folders and links are saved' },
  ]);
  expect(look(await session.restore(saved.id)).map((line) => line.split(' ')[0])).toEqual(['"file"']);
});

test.runIf(process.getuid?.() === 0)(
  'devices are left out with the reason, and what nobody may read is not',
  async () => {
    const session = new Session(new MemoryStore(), scratch());
    const secret = path.join(session.workspace, 'closed');
    writeFileSync(secret, 'x');
    chmodSync(secret, 0);
    execFileSync('mknod', [path.join(session.workspace, 'device'), 'c', '1', '3']);
    const saved = await session.save();
    expect(saved.skipped).toEqual([{ path: 'device', why: 'is a device: only files, folders and links are saved' }]);
    expect(statSync(path.join(await session.restore(saved.id), 'closed')).mode & 0o7777).toBe(0);
  },
);

test('what is left of a clone that is not done is left out, by name, and nothing else of that name is', async () => {
  const session = new Session(new MemoryStore(), scratch());
  const at = (name: string) => path.join(session.workspace, name);
  mkdirSync(at('.cc-docker-clone/tree'), { recursive: true });
  writeFileSync(at('.cc-docker-clone/tree/half'), 'half');
  mkdirSync(at('deeper/.cc-docker-clone'), { recursive: true });
  const saved = await session.save();
  expect(saved.skipped).toEqual([{ path: '.cc-docker-clone', why: 'is of a clone that is not done' }]);
  expect(saved.files).toBe(2);
});

test('folders within folders without end are cut with a word, and what is above them is saved', async () => {
  const session = new Session(new MemoryStore(), scratch());
  let deep = session.workspace;
  for (let n = 0; n < 600; n += 1) deep = path.join(deep, 'd');
  mkdirSync(deep, { recursive: true });
  const saved = await session.save();
  expect(saved.skipped).toHaveLength(1);
  expect(saved.skipped[0]?.why).toContain('lies 512 folders deep');
  expect(saved.files).toBe(511);
});

test('more than a report has room for is counted', async () => {
  const session = new Session(new MemoryStore(), scratch());
  execFileSync(
    'mkfifo',
    Array.from({ length: 30 }, (_, n) => path.join(session.workspace, `pipe-${n}`)),
  );
  const { skipped } = await session.save();
  expect(skipped).toHaveLength(20);
  expect(skipped.at(-1)).toEqual({ path: '', why: '11 more are not saved either' });
});

test('a swapped folder or file never leads out of the workspace', async () => {
  const root = scratch();
  const store = new MemoryStore();
  const session = new Session(store, path.join(root, 'session'));
  const outside = path.join(root, 'outside');
  mkdirSync(outside);
  // It does not shrink, so that it would lie in a pack as it is.
  const secret = bytesOf(900_000, 7);
  for (const name of ['a', 'b', 'c']) writeFileSync(path.join(outside, name), secret);
  await runBeside('swapper.ts', session.workspace, outside);
  let through = 0;
  for (let round = 0; round < 80; round += 1) {
    const { id } = await session.save();
    const list = store.objects.get(`owners/${OWNER}/trees/${id}.workspace`) ?? Buffer.alloc(0);
    through += readManifest(list).contents.files;
  }
  // It did read what the agent had there at other moments.
  expect(through).toBeGreaterThan(80);
  const needle = secret.subarray(1000, 1064);
  for (const [key, body] of store.objects) expect(body.includes(needle), key).toBe(false);
  for (const key of store.keys('.workspace'))
    for (const rows of readManifest(store.objects.get(key) ?? Buffer.alloc(0)).sections())
      for (const row of rows) if (row[0] === 'f') expect(row[4], row[1]).toBeLessThan(900_000);
});

test('a write that leaves a file’s size and date as they were is seen', async () => {
  const session = new Session(new MemoryStore(), scratch());
  const file = path.join(session.workspace, 'file');
  writeFileSync(file, 'one');
  const { id } = await session.save();
  await session.restore(id, { into: session.workspace, cache: session.cache });
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, 'two');
  closeSync(descriptor);
  execFileSync('touch', ['-r', path.join(await session.restore(id), 'file'), file]);
  const again = await session.restore((await session.save()).id);
  expect(readFileSync(path.join(again, 'file'), 'utf8')).toBe('two');
});
