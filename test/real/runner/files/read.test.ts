import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { answerRequest } from '../../../../runner/files/answer-request.ts';
import { ask, bodyOf, listOf, openFiles, read, surroundings } from '../../../support/files/scene.ts';

function workspaceWith(files: Record<string, string>) {
  const { workspace, outside } = surroundings();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.join(workspace, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(workspace, name), content);
  }
  return { workspace, outside, at: (name: string) => path.join(workspace, name) };
}

test('a file is read whole, with its size, time and etag; HEAD gives the same without the bytes', async () => {
  const { workspace, at } = workspaceWith({ 'src/a.txt': 'hello world' });
  utimesSync(at('src/a.txt'), 1, 86_400);
  const whole = await ask(workspace, read('src/a.txt'));
  expect(whole.bytes.toString()).toBe('hello world');
  expect(whole.head).toMatchObject({
    type: 'application/octet-stream',
    size: 11,
    range: null,
    modified_at: '1970-01-02T00:00:00.000Z',
  });
  const head = await ask(workspace, read('src/a.txt', { head_only: true }));
  expect(head.head).toEqual(whole.head);
  expect(head.bytes.length).toBe(0);
  writeFileSync(at('src/a.txt'), 'hello there');
  const changed = await ask(workspace, read('src/a.txt', { head_only: true }));
  expect(changed.head?.etag).not.toBe(whole.head?.etag);
});

test.each([
  ['bytes=0-4', 'hello', { first: 0, last: 4, total: 11 }],
  ['bytes=6-', 'world', { first: 6, last: 10, total: 11 }],
  ['bytes=-5', 'world', { first: 6, last: 10, total: 11 }],
  ['bytes=-500', 'hello world', { first: 0, last: 10, total: 11 }],
  ['BYTES=10-99999999999999999999', 'd', { first: 10, last: 10, total: 11 }],
  // What makes no sense is ignored, as RFC 9110 wants.
  ['bytes=5-2', 'hello world', null],
  ['bytes=0-1,3-4', 'hello world', null],
  ['lines=1-2', 'hello world', null],
  ['bytes=-', 'hello world', null],
])('range %s of eleven bytes', async (range, content, told) => {
  const { workspace } = workspaceWith({ a: 'hello world' });
  const part = await ask(workspace, read('a', { range }));
  expect(part.bytes.toString()).toBe(content);
  expect(part.head).toMatchObject({ range: told, size: content.length });
});

test.each(['bytes=11-', 'bytes=11-12', 'bytes=-0'])('range %s of eleven bytes is not there', async (range) => {
  const { workspace } = workspaceWith({ a: 'hello world' });
  expect((await ask(workspace, read('a', { range }))).refusal?.code).toBe('range_not_satisfiable');
});

test('an empty file is read, and an empty body that nobody reads holds nothing open', async () => {
  const { workspace, at } = workspaceWith({ empty: '' });
  expect((await ask(workspace, read('empty'))).head).toMatchObject({ size: 0, range: null });
  truncateSync(at('empty'), 1024 * 1024 * 1024);
  const before = openFiles();
  const never = await answerRequest({
    request: read('empty'),
    workspace,
    as: undefined,
    limits: null,
    body: bodyOf(),
    start: null,
  });
  expect(never).toMatchObject({ ok: true, head: { size: 1024 * 1024 * 1024 } });
  // One that is left in the middle neither.
  if (never.ok) for await (const chunk of never.body) if (chunk.length > 0) break;
  expect(openFiles()).toBe(before);
});

test('a folder lists its entries by bytes, with type, size, mode and target', async () => {
  const { workspace, at } = workspaceWith({ 'd/b.txt': '12345', 'd/a/inner': '', 'd/B': '' });
  symlinkSync('../nowhere', at('d/link'));
  execFileSync('mkfifo', [at('d/pipe')]);
  chmodSync(at('d/b.txt'), 0o754);
  const list = listOf(await ask(workspace, read('d')));
  expect(list).toMatchObject({ path: 'd', next_cursor: null });
  expect(list.data.map(({ path, type, size, target }) => [path, type, size, target])).toEqual([
    ['d/B', 'file', 0, undefined],
    ['d/a', 'directory', 0, undefined],
    ['d/b.txt', 'file', 5, undefined],
    ['d/link', 'symlink', 0, '../nowhere'],
    ['d/pipe', 'other', 0, undefined],
  ]);
  expect(list.data[2]?.mode).toBe('0754');
});

test('a recursive list says which folder is too far down for it, and that one can be listed by itself', async () => {
  const { workspace } = surroundings();
  const deep = Array.from({ length: 130 }, () => 'd').join('/');
  mkdirSync(path.join(workspace, deep), { recursive: true });
  writeFileSync(path.join(workspace, deep, 'far.txt'), '');
  const { data } = listOf(await ask(workspace, read('', { recursive: true })));
  const last = data.at(-1);
  expect(data.map(({ listed }) => listed)).toEqual([...Array.from({ length: 127 }), false]);
  const rest = listOf(await ask(workspace, read(last?.path ?? '', { recursive: true }))).data;
  expect(rest.map((entry) => entry.path)).toContain(`${deep}/far.txt`);
});

test('a recursive list comes in pages that together are the whole, also when its cursor’s file has gone', async () => {
  const names = ['a', 'a.b/x', 'a/deep/er/y', 'a/z', 'b', 'c/c/c', 'ü/ñ', 'a\nb'].map((name) => `top/${name}`);
  const { workspace } = workspaceWith(Object.fromEntries(names.filter((name) => name !== 'top/a').map((n) => [n, n])));
  const whole = listOf(await ask(workspace, read('', { recursive: true }))).data.map(({ path }) => path);
  expect(whole.slice(0, 5)).toEqual(['top', 'top/a', 'top/a/deep', 'top/a/deep/er', 'top/a/deep/er/y']);
  for (const limit of [1, 2, 3, 100]) {
    const pages: string[] = [];
    let cursor: string | null = null;
    do {
      const page = listOf(await ask(workspace, read('', { recursive: true, limit, cursor })));
      expect(page.data.length).toBeLessThanOrEqual(limit);
      pages.push(...page.data.map(({ path }) => path));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(pages).toEqual(whole);
  }
  const gone = Buffer.from('top/a/deep/er/gone').toString('base64url');
  const rest = listOf(await ask(workspace, read('', { recursive: true, cursor: gone }))).data.map(({ path }) => path);
  expect(rest).toEqual(whole.slice(whole.indexOf('top/a/deep/er/y')));
});

test('links are not followed, and the refusal says where they point', async () => {
  const { workspace, outside, at } = workspaceWith({ 'real/file': 'x' });
  symlinkSync('real/file', at('inner'));
  symlinkSync('real', at('folder'));
  symlinkSync(outside, at('out'));
  symlinkSync('loop', at('loop'));
  const inner = await ask(workspace, read('inner'));
  expect(inner.refusal).toEqual({
    code: 'not_a_file',
    detail: '"inner" is a symlink to "real/file"; links are not followed, so ask for what it points to.',
  });
  expect((await ask(workspace, read('folder/file'))).refusal).toMatchObject({
    code: 'not_a_directory',
    detail: expect.stringContaining('"folder" is a symlink to "real"'),
  });
  expect((await ask(workspace, read('out/folder'))).refusal?.code).toBe('not_a_directory');
  expect((await ask(workspace, read('loop'))).refusal?.code).toBe('not_a_file');
  expect((await ask(workspace, { op: 'pack', path: 'folder' })).refusal?.code).toBe('not_a_directory');
});

test('what is no file is refused at once: a pipe that nobody writes to, a socket', async () => {
  const { workspace, at } = workspaceWith({ f: '' });
  execFileSync('mkfifo', [at('pipe')]);
  expect((await ask(workspace, read('pipe'))).refusal).toEqual({
    code: 'not_a_file',
    detail: '"pipe" is neither a file nor a folder.',
  });
  expect((await ask(workspace, { op: 'write', path: 'pipe', mode: null })).refusal?.code).toBe('not_a_file');
});

test.each([
  ['missing', 'file_not_found'],
  ['missing/deeper', 'file_not_found'],
  ['f/deeper', 'not_a_directory'],
  ['/f', 'path_invalid'],
  ['../f', 'path_invalid'],
  ['a/../f', 'path_invalid'],
  ['./f', 'path_invalid'],
  ['a//f', 'path_invalid'],
  ['f\0', 'path_invalid'],
  ['\ud800', 'path_invalid'],
  ['x'.repeat(300), 'path_invalid'],
])('%j: %s', async (at, code) => {
  const { workspace } = workspaceWith({ f: '' });
  expect((await ask(workspace, read(at))).refusal?.code).toBe(code);
});

test('a file of a time that has no place in a calendar is still listed', async () => {
  const { workspace, at } = workspaceWith({ f: '' });
  utimesSync(at('f'), 1e11, 1e11);
  expect(listOf(await ask(workspace, read(''))).data).toHaveLength(1);
  utimesSync(at('f'), -1e11, -1e11);
  expect(listOf(await ask(workspace, read(''))).data).toHaveLength(1);
});

test('a name that is not UTF-8 shows with U+FFFD', async () => {
  const { workspace, at } = workspaceWith({ f: '' });
  linkSync(at('f'), Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from([0x66, 0xff])]));
  expect(listOf(await ask(workspace, read(''))).data.map(({ path }) => path)).toEqual(['f', 'f\ufffd']);
});

test('a file that becomes shorter while it is read is refused, not cut', async () => {
  const { workspace, at } = workspaceWith({ f: 'x'.repeat(1024 * 1024) });
  const answer = await answerRequest({
    request: read('f'),
    workspace,
    as: undefined,
    limits: null,
    body: bodyOf(),
    start: null,
  });
  if (!answer.ok) throw new Error(answer.refusal.detail);
  const reading = (async () => {
    for await (const chunk of answer.body) if (chunk.length > 0) truncateSync(at('f'), 10);
  })();
  await expect(reading).rejects.toMatchObject({ refusal: { code: 'files_unavailable' } });
});

test('a folder of a hundred thousand entries is listed by the page', async () => {
  const { workspace, at } = workspaceWith({ 'd/0': '' });
  execFileSync('sh', ['-c', 'seq 1 100000 | xargs touch'], { cwd: at('d') });
  const before = process.memoryUsage().rss;
  const page = listOf(await ask(workspace, read('d', { limit: 100 })));
  expect(page.data).toHaveLength(100);
  expect(page.next_cursor).not.toBeNull();
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
});
