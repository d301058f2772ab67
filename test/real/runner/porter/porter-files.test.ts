import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer, json as readJson, text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { LiveRequest } from '../../../../runner/files/live-files.ts';
import type { FilesAnswer } from '../../../../runner/files/answer.ts';
import { makeSessionFolders } from '../../../../runner/lib/session-folders.ts';
import type { PorterDoor } from '../../../../runner/porter/porter-door.ts';
import { TaskFiles } from '../../../../runner/porter/task-files.ts';
import { freePort } from '../../../support/net/free-port.ts';
import { openDoor, porterEnvironment, startPorter, withFiles } from '../../../support/porter/running-porter.ts';
import { digest, echo, sessionWith } from '../../../support/porter/session-ends.ts';
import { sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}

/** A client that goes away in the middle of what it sends. */
async function* broken(): AsyncGenerator<Uint8Array> {
  yield* bytes('half');
  throw new Error('the client is gone');
}

/** As a client that sends no body: the edge says nothing of its end. */
// oxlint-disable-next-line require-yield -- it is silent
async function* silent(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
}

const read = (file: string) =>
  ({ op: 'read', path: file, range: null, recursive: false, limit: 100, cursor: null, head_only: false }) as const;
const write = (file: string) => ({ op: 'write', path: file, mode: null }) as const;

async function answered(door: PorterDoor, request: LiveRequest): Promise<FilesAnswer> {
  const files = door.files(KEY.session_id);
  if (files === undefined) throw new Error('no porter has the files');
  return await files.answer(request);
}

/** Its sockets may be ready before it listens to requests. */
const listens = (door: PorterDoor) =>
  until(async () => {
    const answer = await answered(door, { request: read(''), limits: null, body: silent() });
    for await (const chunk of body(answer)) if (chunk.length === 0) throw new Error('nothing');
  });

/** A session's porter, and its files by way of the runner's door. */
async function setUp() {
  const folder = scratch();
  const listen = { host: '127.0.0.1', port: await freePort('127.0.0.1') };
  const opened = await openDoor(folder, { listen });
  const folders = await sessionWith(folder, KEY.session_id, 'link', echo('link:'));
  const { token } = await opened.door.expect(KEY, folders);
  const run = path.join(folder, 'task');
  const owner = { uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 };
  await makeSessionFolders(folders, owner);
  await new TaskFiles({ door: opened.door, owner, log: opened.log }).load(folders);
  const porter = startPorter(run, { ...porterEnvironment(run, opened.door, token), ...withFiles(run) });
  await porter.ready();
  await listens(opened.door);
  const ask = (request: LiveRequest['request'], body = silent(), limits: LiveRequest['limits'] = null) =>
    answered(opened.door, { request, limits, body });
  return { folder, listen, opened, folders, porter, ask, workspace: `${run}-workspace` };
}

const body = (answer: FilesAnswer) => {
  if (!answer.ok) throw new Error(answer.refusal.detail);
  return answer.body;
};

describe('files of a session beside a porter', () => {
  test('are read, listed, written, packed and removed where they are', async () => {
    const { ask, workspace } = await setUp();
    const large = randomBytes(8_000_000);
    writeFileSync(path.join(workspace, 'large.bin'), large);
    mkdirSync(path.join(workspace, 'src'));
    writeFileSync(path.join(workspace, 'src', 'a.txt'), 'a');

    const whole = await ask(read('large.bin'));
    expect(whole).toMatchObject({ ok: true, head: { size: large.length } });
    expect(digest(await buffer(body(whole)))).toBe(digest(large));
    expect(await text(body(await ask({ ...read('large.bin'), range: 'bytes=0-9' })))).toHaveLength(
      large.subarray(0, 10).toString().length,
    );
    expect(await readJson(body(await ask(read(''))))).toMatchObject({
      data: [{ path: 'large.bin' }, { path: 'src', type: 'directory' }],
    });

    expect(await readJson(body(await ask(write('new/b.txt'), bytes('b', large))))).toMatchObject({
      bytes: 1 + large.length,
    });
    expect(readFileSync(path.join(workspace, 'new/b.txt'))).toHaveLength(1 + large.length);
    const tar = await buffer(body(await ask({ op: 'pack', path: 'src' })));
    await readJson(body(await ask({ op: 'unpack', path: 'copy' }, bytes(tar))));
    expect(readFileSync(path.join(workspace, 'copy/a.txt'), 'utf8')).toBe('a');
    await readJson(body(await ask({ op: 'delete', path: 'new', recursive: true })));
    expect(readdirSync(workspace).toSorted()).toEqual(['copy', 'large.bin', 'src']);
  });

  test('what must not be is refused there as here: paths out of the workspace, too much, what is not there', async () => {
    const { ask, workspace, folder } = await setUp();
    writeFileSync(path.join(folder, 'secret'), 'secret');
    symlinkSync(path.join(folder, 'secret'), path.join(workspace, 'link'));
    for (const file of ['link', '../secret', 'absent']) expect(await ask(read(file))).toMatchObject({ ok: false });
    // Refused before the end of a body that never ends.
    const endless = (async function* () {
      for (;;) yield await Promise.resolve(randomBytes(65_536));
    })();
    expect(await ask(write('big'), endless, { mb: 1, files: 100 })).toMatchObject({
      ok: false,
      refusal: { code: 'workspace_full' },
    });
    expect(readdirSync(workspace)).toEqual(['link']);
  });

  test('a client that goes away in the middle leaves nothing behind', async () => {
    const { ask, workspace, porter } = await setUp();
    writeFileSync(path.join(workspace, 'kept.txt'), 'before');
    await expect(ask(write('kept.txt'), broken())).rejects.toThrow();
    await until(() => expect(porter.said()).toContain('broken off'));
    expect(readFileSync(path.join(workspace, 'kept.txt'), 'utf8')).toBe('before');
    expect(readdirSync(workspace)).toEqual(['kept.txt']);
    // And whoever stops reading holds nothing up.
    writeFileSync(path.join(workspace, 'large.bin'), Buffer.alloc(20_000_000));
    for (let n = 0; n < 20; n += 1) for await (const chunk of body(await ask(read('large.bin')))) if (chunk) break;
    expect(await text(body(await ask(read('kept.txt'))))).toBe('before');
  });

  test('while the porter is away they are refused, and never taken from the runner’s own copy', async () => {
    const { folder, listen, opened, folders, workspace } = await setUp();
    writeFileSync(path.join(workspace, 'a.txt'), 'in the task');
    await opened.close();
    const again = await openDoor(folder, { listen });
    expect(again.door.files(KEY.session_id)).toBeUndefined();
    await again.door.expect(KEY, folders);
    const first = await answered(again.door, { request: read('a.txt'), limits: null, body: silent() });
    if (!first.ok) expect(first.refusal.code).toBe('files_unavailable');
    await listens(again.door);
    const now = await answered(again.door, { request: read('a.txt'), limits: null, body: silent() });
    expect(await text(body(now))).toBe('in the task');
    await again.door.forget(KEY);
    expect(again.door.files(KEY.session_id)).toBeUndefined();
  });
});
