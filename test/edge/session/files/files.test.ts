import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { User } from '../../support/api.ts';
import { filesScene as scene, MB, noise, pushed, type Scene } from './support/files-scene.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer, FakeRunner } from '../../support/runner.ts';
import { callFiles, FakeTransfer } from './support/transfer.ts';
import { dearRuns } from '../../../support/run/generated-runs.ts';

beforeEach(emptyPool);

describe('reading', () => {
  it('gives a file’s bytes, to be saved and not shown', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/src/main.ts`);
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual({
      op: 'read',
      path: 'src/main.ts',
      range: null,
      recursive: false,
      limit: 1000,
      cursor: null,
      head_only: false,
    });
    const bytes = noise(1000);
    transfer.head({ size: 1000, etag: '"e1"', modified_at: '2026-01-02T03:04:05.678Z' });
    await transfer.send(bytes);
    transfer.end();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '1000',
      'content-disposition': 'attachment',
      'content-security-policy': expect.stringContaining('sandbox'),
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      etag: '"e1"',
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    await transfer.until(() => false);
    expect(transfer.closed).toMatchObject({ code: 1000 });
  });

  it('gives a part of a file', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`, { headers: { range: 'bytes=2-4' } });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toMatchObject({ range: 'bytes=2-4' });
    transfer.head({ size: 3, range: { first: 2, last: 4, total: 10 } });
    await transfer.send(new TextEncoder().encode('cde'));
    transfer.end();
    const response = await answer;
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe('bytes 2-4/10');
    expect(await response.text()).toBe('cde');
  });

  it('gives the whole of a file that is not the one of which the client has a part', async () => {
    const { user, runner, id } = await scene();
    const headers = { range: 'bytes=2-4', 'if-range': '"old"' };
    const answer = callFiles(user, 'GET', `${id}/files/a`, { headers });
    const part = await FakeTransfer.next(runner);
    part.head({ size: 3, range: { first: 2, last: 4, total: 10 }, etag: '"new"' });
    const whole = await FakeTransfer.next(runner);
    expect(whole.request).toMatchObject({ range: null });
    whole.head({ size: 1, etag: '"new"' });
    await whole.send(new Uint8Array([7]));
    whole.end();
    expect((await answer).status).toBe(200);
  });

  it('gives nothing again that the client has', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`, { headers: { 'if-none-match': '"x", W/"e1"' } });
    const transfer = await FakeTransfer.next(runner);
    transfer.head({ size: 5 * MB, etag: '"e1"' });
    const response = await answer;
    expect(response.status).toBe(304);
    await transfer.send(noise(5 * MB));
    expect(transfer.closed).not.toBeNull();
  });

  it('tells of a file without sending it', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'HEAD', `${id}/files/a`);
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toMatchObject({ op: 'read', head_only: true });
    transfer.head({ size: 123_456, etag: '"e"' });
    transfer.end();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('123456');
    expect(await response.text()).toBe('');
    await transfer.until(() => false);
    expect(transfer.closed).toMatchObject({ code: 1000 });
  });

  it('lists a folder', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files?recursive=true&limit=5&cursor=abc`);
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toMatchObject({ op: 'read', path: '', recursive: true, limit: 5, cursor: 'abc' });
    const list = { path: '', data: [], next_cursor: null };
    transfer.json(list);
    const response = await answer;
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('content-disposition')).toBeNull();
    expect(await response.json()).toEqual(list);
  });

  it.each([
    ['?format=tar', {}],
    ['', { accept: 'text/html, application/x-tar;q=0.9' }],
  ])('packs a folder (%s %o)', async (query, headers) => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/my%20src%20(1)/${query}`, { headers });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual({ op: 'pack', path: 'my src (1)/' });
    transfer.head({ type: 'application/x-tar' });
    await transfer.send(noise(3000));
    transfer.end();
    const response = await answer;
    expect(response.headers.get('content-type')).toBe('application/x-tar');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="my src (1).tar"; filename*=UTF-8''my%20src%20%281%29.tar`,
    );
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(noise(3000));
  });

  it.each([
    ['', {}, 'json', 'application/json'],
    ['?format=patch', {}, 'patch', 'text/x-diff'],
    ['', { accept: 'text/x-patch' }, 'patch', 'text/x-diff'],
    ['?format=json', { accept: 'text/plain' }, 'json', 'application/json'],
  ])('shows what has changed (%s %o)', async (query, headers, format, type) => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/diff${query}`, { headers });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual({ op: 'diff', format });
    transfer.head({ type });
    await transfer.send(new TextEncoder().encode('{}'));
    transfer.end();
    const response = await answer;
    expect(response.headers.get('content-type')).toBe(type);
    expect(await response.text()).toBe('{}');
  });
});

describe('writing', () => {
  it('sends a file’s bytes, with its mode', async () => {
    const { user, runner, id } = await scene();
    const sent = noise(700_000);
    const answer = callFiles(user, 'PUT', `${id}/files/bin/run?mode=0755`, { body: sent });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual({ op: 'write', path: 'bin/run', mode: 0o755 });
    expect(await transfer.body()).toEqual(sent);
    transfer.json({ path: 'bin/run', files: 1, bytes: sent.length });
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ path: 'bin/run', files: 1, bytes: sent.length });
  });

  it('writes an empty file', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'PUT', `${id}/files/empty`);
    const transfer = await FakeTransfer.next(runner);
    expect(await transfer.body()).toEqual(new Uint8Array(0));
    transfer.json({ path: 'empty', files: 1, bytes: 0 });
    expect((await answer).status).toBe(200);
  });

  it.each([
    ['a/b', { 'content-type': 'application/x-tar' }, { op: 'unpack', path: 'a/b' }],
    ['?format=tar', {}, { op: 'unpack', path: '' }],
    ['a.tar?format=file', { 'content-type': 'application/x-tar' }, { op: 'write', path: 'a.tar', mode: null }],
    ['a.json', { 'content-type': 'application/json' }, { op: 'write', path: 'a.json', mode: null }],
    ['a.txt', { 'content-type': 'multipart/form-data' }, { op: 'write', path: 'a.txt', mode: null }],
  ])('of %s with %o asks the runner for %o', async (path, headers, request) => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'PUT', `${id}/files/${path}`, { headers, body: 'not json' });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual(request);
    expect(new TextDecoder().decode(await transfer.body())).toBe('not json');
    transfer.json({ path: '', files: 1, bytes: 8 });
    expect((await answer).status).toBe(200);
  });

  it('deletes', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'DELETE', `${id}/files/old?recursive=true`);
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual({ op: 'delete', path: 'old', recursive: true });
    transfer.json({ path: 'old', files: 0, bytes: 0 });
    const response = await answer;
    expect({ status: response.status, body: await response.text() }).toEqual({ status: 204, body: '' });
  });

  it('is refused before the whole body has come', async () => {
    const { user, runner, id } = await scene();
    const { body, controller } = pushed();
    const answer = callFiles(user, 'PUT', `${id}/files/a`, { body });
    controller.enqueue(noise(1000));
    const transfer = await FakeTransfer.next(runner);
    await transfer.until(() => transfer.received === 1000);
    transfer.refuse('workspace_full');
    const response = await answer;
    expect(response.status).toBe(507);
    expect(await response.json()).toMatchObject({ code: 'workspace_full', detail: 'it is workspace_full' });
  });

  it('that breaks off is not taken for whole', async () => {
    const { user, runner, id } = await scene();
    const { body, controller } = pushed();
    const client = new AbortController();
    const answer = callFiles(user, 'PUT', `${id}/files/a`, { body, signal: client.signal });
    controller.enqueue(noise(1000));
    const transfer = await FakeTransfer.next(runner);
    await transfer.until(() => transfer.received === 1000);
    client.abort();
    await transfer.until(() => false);
    expect(transfer.whole).toBe(false);
    expect(transfer.closed).not.toBeNull();
    expect((await answer).status).toBeGreaterThanOrEqual(500);
  });
});

const reads = async ({ user, runner, id }: Scene) => {
  const answer = callFiles(user, 'GET', `${id}/files`);
  (await FakeTransfer.next(runner)).json({ path: '', data: [], next_cursor: null });
  return (await answer).status;
};
const writes = async ({ user, runner, id }: Scene) => {
  const answer = callFiles(user, 'PUT', `${id}/files/a`, { body: 'x' });
  const transfer = await FakeTransfer.next(runner);
  await transfer.body();
  transfer.json({ path: 'a', files: 1, bytes: 1 });
  return (await answer).status;
};
const status = async ({ user, id }: Scene) => (await user.call('GET', `/sessions/${id}`)).body.status;

describe('files', () => {
  it('can be read while the session waits for a place, before it ever ran', async () => {
    const user = new User();
    const runner = await FakeRunner.connect(undefined, { capacity: 0 });
    const all = { user, runner, id: await user.createSession() };
    expect(await status(all)).toBe('queued');
    expect(await reads(all)).toBe(200);
  });

  it('can be read and written while it starts, is idle, works, is stopped and has failed', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const all = { user, runner, id: await user.createSession() };
    const launch = await runner.launch(all.id);
    const check = async (expected: string) => {
      expect([expected, await reads(all), await writes(all)]).toEqual([await status(all), 200, 200]);
    };
    await check('starting');
    const container = await FakeContainer.connect(launch);
    container.say({ notice: 'ready', claude_version: '2.1.330' });
    await container.stored();
    await check('idle');
    await user.call('POST', `/sessions/${all.id}/chat`, { prompt: 'x' });
    await container.prompt();
    await check('running');
    await user.call('POST', `/sessions/${all.id}/stop`);
    await check('stopped');
    await runner.end(container, 'stopped_by_user');
    await check('stopped');
    await user.call('POST', `/sessions/${all.id}/chat`, { prompt: 'y' });
    const again = await runner.start(all.id);
    await runner.end(again, 'out_of_memory');
    await check('failed');
  });
});

describe('a files call', () => {
  it.each([
    ['GET', 'files'],
    ['GET', 'files/a'],
    ['HEAD', 'files/a'],
    ['PUT', 'files/a'],
    ['DELETE', 'files/a'],
    ['GET', 'diff'],
  ])('%s …/%s of somebody else’s session is answered as for one that there is not', async (method, call) => {
    const { runner, id } = await scene();
    const response = await callFiles(new User(), method, `${id}/${call}`);
    expect(response.status).toBe(404);
    expect(runner.control.unread(({ kind }) => kind === 'transfer')).toBe(0);
    if (method === 'HEAD') return;
    expect(await response.json()).toMatchObject({ code: 'session_not_found' });
    expect((await callFiles(new User(), method, `nonsense/${call}`)).status).toBe(404);
  });

  it.each([
    ['GET', 'files/a%zz', {}, 'path_invalid'],
    ['GET', 'files/a%', {}, 'path_invalid'],
    ['GET', 'files/%ff', {}, 'path_invalid'],
    ['PUT', 'files/a%00b', {}, 'path_invalid'],
    ['DELETE', `files/${'a/'.repeat(2500)}`, {}, 'path_invalid'],
    ['GET', 'files/a?limit=0', {}, 'invalid_request'],
    ['GET', 'files/a?format=zip', {}, 'invalid_request'],
    ['GET', 'files/a?recursiv=true', {}, 'invalid_request'],
    ['PUT', 'files/a?mode=4755', {}, 'invalid_request'],
    ['PUT', 'files/a?mode=rwx', {}, 'invalid_request'],
    ['PUT', 'files/a?mode=755&format=tar', {}, 'invalid_request'],
    ['PUT', 'files/a', { 'content-range': 'bytes 0-1/5' }, 'invalid_request'],
    ['DELETE', 'files/a?recursive=yes', {}, 'invalid_request'],
    ['GET', 'diff?format=html', {}, 'invalid_request'],
  ])('%s …/%s %o is refused with %s', async (method, call, headers, code) => {
    const user = new User();
    const id = await user.createSession();
    const response = await callFiles(user, method, `${id}/${call}`, { headers });
    expect({ status: response.status, ...(await response.json<{ code: string }>()) }).toMatchObject({
      status: 422,
      code,
    });
  });

  it('is in the OpenAPI document, each under its path', async () => {
    const document = await (
      await createApp().request('/openapi.json', {}, env)
    ).json<{ paths: Record<string, object> }>();
    expect(Object.keys(document.paths['/api/v1/sessions/{session_id}/files/{path}'] ?? {})).toEqual(
      expect.arrayContaining(['get', 'put', 'delete']),
    );
    expect(document.paths).toHaveProperty(['/api/v1/sessions/{session_id}/diff']);
    expect(Object.keys(document.paths).filter((path) => path.includes('\\'))).toEqual([]);
  });
});

/** Names as an attacker, a careless client, or nobody at all would write them. */
const segment = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('..', '.', '', '...', '%2e%2e', '..%2f', '%2F', '%5c..', '%252e%252e', '%00', '~'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme' }).map(encodeURIComponent) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii' }).map(encodeURIComponent) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Array.from(bytes, (b) => `%${b.toString(16)}`).join('')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('proc', 'self', 'root', 'etc', 'passwd', 'C:', 'a:b', '*', ';x', '@', '&', '='),
  },
);
const anyPath = fc.array(segment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/'));

it('hands each of thousands of paths to the runner as it was sent, decoded once, or refuses it', async () => {
  const { user, runner, id } = await scene();
  const prefix = `/api/v1/sessions/${id}/files/`;
  let handed = 0;
  const runs = dearRuns(10_000);
  await fc.assert(
    fc.asyncProperty(anyPath, async (path) => {
      // What an HTTP client makes of it before it is sent: it takes `..` away itself where that is not encoded.
      const { pathname } = new URL(`http://localhost${prefix}${path.replaceAll(/[?#]/g, '')}`);
      const answer = callFiles(user, 'GET', `${id}/files/${path.replaceAll(/[?#]/g, '')}`);
      const expected = pathname.startsWith(prefix) ? decoded(pathname.slice(prefix.length)) : null;
      if (expected === null) {
        expect((await answer).status).toBeGreaterThanOrEqual(400);
        expect((await answer).status).toBeLessThan(500);
        return;
      }
      const { session_id, transfer_id, request } = await FakeTransfer.order(runner);
      expect(request).toMatchObject({ op: 'read', path: expected });
      const refusal = { code: 'path_invalid' as const, detail: 'not within the workspace' };
      runner.send({ kind: 'transfer_refused', session_id, transfer_id, refusal });
      expect((await answer).status).toBe(422);
      handed += 1;
    }),
    { numRuns: runs },
  );
  expect(handed).toBeGreaterThan(0.3 * runs);
});

function decoded(path: string): string | null {
  try {
    const text = decodeURIComponent(path);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
