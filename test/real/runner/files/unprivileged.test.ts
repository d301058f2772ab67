import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { changeList, fileList } from '../../../../protocol/api/files/files.ts';
import { read } from '../../../support/files/scene.ts';
import { asUnprivileged } from '../../../support/files/unprivileged.ts';
import { scratch } from '../../../support/scratch.ts';

const remove = (at: string) => ({ op: 'delete', path: at, recursive: true }) as const;

/** What agents leave: Go's module cache is read-only down to its folders; others close files and folders altogether. */
function leftByAgent() {
  const top = scratch();
  chmodSync(top, 0o755);
  const workspace = path.join(top, 'workspace');
  const outside = path.join(top, 'outside');
  mkdirSync(path.join(workspace, 'go/pkg/mod/m@v1'), { recursive: true });
  mkdirSync(path.join(workspace, 'closed/inner'), { recursive: true });
  mkdirSync(path.join(workspace, 'names-only'));
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'kept'), 'kept');
  for (const at of ['go/pkg/mod/m@v1/m.go', 'closed/inner/file', 'names-only/file', 'secret', 'zz-last'])
    writeFileSync(path.join(workspace, at), at);
  for (const at of ['go/pkg/mod/m@v1/link', 'closed/link']) symlinkSync(outside, path.join(workspace, at));
  const modes = { 'go/pkg/mod/m@v1/m.go': 0o444, 'closed/inner': 0o000, 'names-only': 0o444, secret: 0o000 };
  const close = () => {
    for (const [at, mode] of Object.entries(modes)) chmodSync(path.join(workspace, at), mode);
    for (const at of ['go/pkg/mod/m@v1', 'go/pkg/mod', 'go/pkg', 'go']) chmodSync(path.join(workspace, at), 0o555);
    chmodSync(path.join(workspace, 'closed'), 0o000);
  };
  close();
  chmodSync(outside, 0o555);
  return { top, workspace, outside };
}

async function tarOf(bytes: Buffer): Promise<string[]> {
  const names: string[] = [];
  const reader = Readable.from([bytes]).pipe(extract());
  for await (const entry of reader) {
    names.push(entry.header.type === 'file' ? `${entry.header.name}: ${await text(entry)}` : entry.header.name);
    entry.resume();
  }
  return names;
}

test('a tar, a list and a diff go on behind what the runner may not read, and name it', async () => {
  const { top, workspace } = leftByAgent();
  const [tar, list, patch, json] = await asUnprivileged(top, {
    workspace,
    requests: [
      { op: 'pack', path: '' },
      read('', { recursive: true }),
      { op: 'diff', format: 'patch' },
      { op: 'diff', format: 'json' },
    ],
  });
  expect([tar?.refusal, list?.refusal, patch?.refusal, json?.refusal]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  const bytes = tar?.bytes ?? Buffer.alloc(0);
  const names = (await tarOf(bytes)).map((name) => name.replace(/\/$/, ''));
  expect(names).toEqual([
    'closed',
    'go',
    'go/pkg',
    'go/pkg/mod',
    'go/pkg/mod/m@v1',
    'go/pkg/mod/m@v1/link',
    'go/pkg/mod/m@v1/m.go: go/pkg/mod/m@v1/m.go',
    'names-only',
    'zz-last: zz-last',
  ]);
  const comments = bytes.toString('latin1').match(/comment=cc-docker: left out[^\n]*: (.*)\n/g) ?? [];
  expect(comments.map((comment) => comment.replace(/^.*: |["\n]/g, ''))).toEqual(['closed', 'names-only', 'secret']);

  const { data } = fileList.parse(JSON.parse(String(list?.bytes)));
  expect(data.filter(({ unreadable }) => unreadable).map(({ path: at, listed }) => [at, listed])).toEqual([
    ['closed', false],
    ['names-only', false],
  ]);
  expect(data.map(({ path: at }) => at)).toEqual(expect.arrayContaining(['secret', 'zz-last', 'go/pkg/mod/m@v1/m.go']));

  expect(String(patch?.bytes)).toContain('# b/secret is not in this patch: its permissions keep the runner out\n');
  expect(String(patch?.bytes)).toContain('+zz-last');
  const changes = changeList.parse(JSON.parse(String(json?.bytes))).data;
  expect(changes.filter(({ unreadable }) => unreadable).map(({ path: at }) => at)).toEqual([
    'closed',
    'names-only',
    'secret',
  ]);
});

test('one file that may not be read, or a folder that may not be written to, is refused with what to do', async () => {
  const { top, workspace } = leftByAgent();
  const answers = await asUnprivileged(top, {
    workspace,
    requests: [
      read('secret'),
      read('closed'),
      read('closed/inner/file'),
      read('names-only/file'),
      { op: 'pack', path: 'closed' },
      { op: 'write', path: 'go/pkg/new', mode: null },
      { op: 'write', path: 'go/pkg/deep/new', mode: null },
      { op: 'delete', path: 'go/pkg/mod/m@v1/m.go', recursive: false },
    ],
  });
  for (const { refusal } of answers) {
    expect(refusal).toMatchObject({ code: 'file_access_denied', detail: expect.stringContaining('(chmod u+rwX)') });
    expect(refusal?.detail).not.toContain(top);
  }
  expect(answers).toHaveLength(8);
});

test('what the agent has closed is deleted with what is in it, and what its links lead to stays as it is', async () => {
  const { top, workspace, outside } = leftByAgent();
  const answers = await asUnprivileged(top, {
    workspace,
    requests: [remove('go'), remove('closed'), remove('names-only'), remove('secret')],
  });
  expect(answers.map(({ refusal }) => refusal)).toEqual([undefined, undefined, undefined, undefined]);
  expect(readdirSync(workspace)).toEqual(['zz-last']);
  expect([lstatSync(outside).mode & 0o777, readFileSync(path.join(outside, 'kept'), 'utf8')]).toEqual([0o555, 'kept']);
});

test('folders that are closed as well as deep are deleted', async () => {
  const { top, workspace } = leftByAgent();
  const deep = Array.from({ length: 80 }, (_, index) => `d${index}`);
  mkdirSync(path.join(workspace, 'deep', ...deep), { recursive: true });
  for (let depth = deep.length; depth >= 0; depth--)
    chmodSync(path.join(workspace, 'deep', ...deep.slice(0, depth)), depth % 2 === 0 ? 0o555 : 0o000);
  const [answer] = await asUnprivileged(top, {
    workspace,
    requests: [{ op: 'delete', path: 'deep', recursive: true }],
  });
  expect(answer?.refusal).toBeUndefined();
  expect(existsSync(path.join(workspace, 'deep'))).toBe(false);
});

test('a session goes from the disk whatever its agent has closed', async () => {
  const { top, workspace, outside } = leftByAgent();
  symlinkSync(outside, path.join(top, 'link'));
  await asUnprivileged(top, { workspace, remove: [workspace, path.join(top, 'link')] });
  expect(readdirSync(top)).toEqual(['outside']);
  expect([lstatSync(outside).mode & 0o777, readdirSync(outside)]).toEqual([0o555, ['kept']]);
});
