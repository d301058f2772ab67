import { env, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../functions/app.ts';
import { TRANSFER_CHUNK, TRANSFER_WINDOW } from '../../protocol/files.ts';
import { TokenType } from '../../protocol/token.ts';
import { mint, User } from './support/api.ts';
import { emptyPool } from './support/pool.ts';
import { FakeContainer, FakeRunner } from './support/runner.ts';
import { callFiles, dialTransfer, FakeTransfer } from './support/transfer.ts';

beforeEach(emptyPool);

const MB = 1024 * 1024;

interface Scene {
  readonly user: User;
  readonly runner: FakeRunner;
  readonly id: string;
}

async function scene(): Promise<Scene> {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession();
  await runner.start(id);
  return { user, runner, id };
}

/** Bytes that are nowhere the same for long, so that what is lost or doubled shows. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8) * 17 + (at >> 16)) & 0xff;
  return bytes;
}

/** A body that is sent when the test says so. */
function pushed(): { body: ReadableStream<Uint8Array>; controller: ReadableStreamDefaultController<Uint8Array> } {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  if (controller === undefined) throw new Error('a stream starts at once');
  return { body, controller };
}

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
    const answer = callFiles(user, 'GET', `${id}/files/my%20src/${query}`, { headers });
    const transfer = await FakeTransfer.next(runner);
    expect(transfer.request).toEqual({ op: 'pack', path: 'my src/' });
    transfer.head({ type: 'application/x-tar' });
    await transfer.send(noise(3000));
    transfer.end();
    const response = await answer;
    expect(response.headers.get('content-type')).toBe('application/x-tar');
    expect(response.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''my%20src.tar");
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

describe('a large body', () => {
  const large = noise(24 * MB);

  it('comes whole to a client that reads slowly, and only as fast as it reads', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/large`);
    const transfer = await FakeTransfer.next(runner);
    transfer.head({ size: large.length });
    const sending = transfer.send(large).then(() => transfer.end());
    const reader = (await answer).body?.getReader();
    const got = new Uint8Array(large.length);
    let at = 0;
    for (;;) {
      const read = await reader?.read();
      if (read === undefined || read.done) break;
      got.set(read.value, at);
      at += read.value.length;
      // What the runner was let send is never more than a window ahead of what the client has; some is in streams between.
      const sent = TRANSFER_WINDOW - transfer.credit + at;
      expect(sent - at).toBeLessThanOrEqual(TRANSFER_WINDOW);
    }
    await sending;
    expect(at).toBe(large.length);
    expect(Buffer.compare(got, large)).toBe(0);
  });

  it('is not sent on while nobody reads', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/large`);
    const transfer = await FakeTransfer.next(runner);
    transfer.head({ size: large.length });
    await answer;
    await transfer.send(large.slice(0, TRANSFER_WINDOW));
    let more = false;
    const further = transfer.send(large.slice(TRANSFER_WINDOW)).then(() => {
      more = true;
    });
    // Another call through the same object: had there been credit to give, it would be here by now.
    expect((await user.call('GET', `/sessions/${id}`)).status).toBe(200);
    expect(more).toBe(false);
    expect(transfer.credit).toBeLessThan(TRANSFER_WINDOW);
    await (await answer).body?.cancel();
    await further;
  });

  it('goes whole to a runner that takes it slowly, and only as fast as it takes it', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'PUT', `${id}/files/large`, { body: large });
    const transfer = await FakeTransfer.next(runner);
    while (!transfer.whole) {
      const { received } = transfer;
      await transfer.until(() => transfer.whole || transfer.received > received);
      expect(transfer.ungranted).toBeLessThanOrEqual(TRANSFER_WINDOW);
      if (transfer.ungranted > TRANSFER_WINDOW / 2) transfer.grant();
    }
    expect(Buffer.compare(transfer.taken(), large)).toBe(0);
    transfer.json({ path: 'large', files: 1, bytes: large.length });
    expect((await answer).status).toBe(200);
  });

  it('waits when the runner grants nothing', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'PUT', `${id}/files/large`, { body: large });
    const transfer = await FakeTransfer.next(runner);
    await transfer.until(() => transfer.received === TRANSFER_WINDOW);
    expect((await user.call('GET', `/sessions/${id}`)).status).toBe(200);
    expect(transfer.received).toBe(TRANSFER_WINDOW);
    expect(transfer.whole).toBe(false);
    transfer.refuse('workspace_full');
    expect((await answer).status).toBe(507);
  });

  it('whose reader goes away is not read further', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/large`);
    const transfer = await FakeTransfer.next(runner);
    transfer.head({ size: large.length });
    const sending = transfer.send(large);
    await (await answer).body?.cancel();
    await sending;
    expect(transfer.closed).not.toBeNull();
  });

  it('two at once do not mix', async () => {
    const { user, runner, id } = await scene();
    const contents = [noise(2 * MB), noise(3 * MB).toReversed()] as const;
    const down = callFiles(user, 'GET', `${id}/files/down`);
    const first = await FakeTransfer.next(runner);
    const up = callFiles(user, 'PUT', `${id}/files/up`, { body: contents[1] });
    const second = await FakeTransfer.next(runner);
    first.head();
    const sending = first.send(contents[0]).then(() => first.end());
    const got = (await down).arrayBuffer();
    expect(Buffer.compare(await second.body(), contents[1])).toBe(0);
    second.json({ path: 'up', files: 1, bytes: contents[1].length });
    await sending;
    expect(Buffer.compare(new Uint8Array(await got), contents[0])).toBe(0);
    expect((await up).status).toBe(200);
  });
});

describe('a runner', () => {
  it.each([
    ['file_not_found', 404],
    ['path_invalid', 422],
    ['not_a_file', 409],
    ['not_a_directory', 409],
    ['directory_not_empty', 409],
    ['range_not_satisfiable', 416],
    ['archive_invalid', 422],
    ['workspace_full', 507],
    ['files_unavailable', 503],
    ['storage_unavailable', 503],
  ] as const)('that refuses with %s has the client told so with %i', async (code, status) => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    (await FakeTransfer.next(runner)).refuse(code, 'because of this');
    const response = await answer;
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ code, detail: 'because of this' });
  });

  it('that refuses before it comes has the client told why', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const { session_id, transfer_id } = await FakeTransfer.order(runner);
    const refusal = { code: 'storage_unavailable' as const, detail: 'connection refused' };
    runner.send({ kind: 'transfer_refused', session_id, transfer_id, refusal });
    expect(await (await answer).json()).toMatchObject({
      status: 503,
      code: 'storage_unavailable',
      detail: refusal.detail,
    });
  });

  it.each([
    ['breaks off', (transfer: FakeTransfer) => transfer.close()],
    ['refuses the rest', (transfer: FakeTransfer) => transfer.refuse('files_unavailable')],
    ['ends too early', (transfer: FakeTransfer) => transfer.end()],
    ['says what is no frame', (transfer: FakeTransfer) => transfer.frame({ kind: 'dance' })],
    ['gives a second head', (transfer: FakeTransfer) => transfer.head()],
  ])('that %s in the middle leaves the client with a broken body, not a short one', async (_, act) => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const transfer = await FakeTransfer.next(runner);
    transfer.head({ size: 2000 });
    await transfer.send(noise(1000));
    const response = await answer;
    act(transfer);
    await expect(response.arrayBuffer()).rejects.toThrow();
    await transfer.until(() => false);
  });

  it('that breaks off before it has answered is named as the reason', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    (await FakeTransfer.next(runner)).close();
    expect(await (await answer).json()).toMatchObject({
      code: 'files_unavailable',
      detail: expect.stringContaining('broke off'),
    });
  });

  it('that sends more than it was granted is cut off', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const transfer = await FakeTransfer.next(runner);
    transfer.head();
    const response = await answer;
    transfer.flood(noise(TRANSFER_WINDOW + 2 * TRANSFER_CHUNK));
    await transfer.until(() => false);
    expect(transfer.closed).toMatchObject({ code: 4400 });
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('that is not connected is named', async () => {
    const { user, runner, id } = await scene();
    runner.control.close();
    await runner.control.closed();
    await expect.poll(async () => (await callFiles(user, 'GET', `${id}/files/a`)).status).toBe(503);
    const answer = await callFiles(user, 'GET', `${id}/files/a`);
    expect(await answer.json()).toMatchObject({ code: 'files_unavailable', detail: expect.stringContaining('runner') });
  });
});

describe('a transfer', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is answered once, and by the runner that it was ordered of', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const order = await FakeTransfer.order(runner);
    const { transfer_id } = order;
    const status = async (sub: string, typ: string, transfer = transfer_id, session = id) =>
      (await dialTransfer(session, transfer, await mint(sub, { typ }))).status;
    expect(await status('another-runner', TokenType.runner)).toBe(404);
    expect(await status(runner.name, TokenType.user)).toBe(401);
    expect(await status(runner.name, TokenType.session)).toBe(401);
    expect(await status(runner.name, TokenType.runner, crypto.randomUUID())).toBe(404);
    expect(await status(runner.name, TokenType.runner, transfer_id, await user.createSession())).toBe(404);
    const transfer = await FakeTransfer.dial(runner, order);
    expect(await status(runner.name, TokenType.runner)).toBe(404);
    transfer.head({ size: 0 });
    transfer.end();
    expect((await answer).status).toBe(200);
    await transfer.until(() => false);
    expect(await status(runner.name, TokenType.runner)).toBe(404);
  });

  it('is a WebSocket', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const order = await FakeTransfer.order(runner);
    const { transfer_id } = order;
    const headers = { authorization: `Bearer ${await mint(runner.name, { typ: TokenType.runner })}` };
    const plain = await createApp().request(`/api/v1/runner/sessions/${id}/transfers/${transfer_id}`, { headers }, env);
    expect(plain.status).toBe(426);
    (await FakeTransfer.dial(runner, order)).refuse('file_not_found');
    expect((await answer).status).toBe(404);
  });

  it('whose runner does not come in time is given up, with its name', async () => {
    const { user, runner, id } = await scene();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const order = await FakeTransfer.order(runner);
    // The timer is set once the pool's word has come; a call through the object comes after it.
    await user.call('GET', `/sessions/${id}`);
    const session = env.SESSION.get(env.SESSION.idFromName(id));
    await runInDurableObject(session, () => vi.advanceTimersByTimeAsync(30_000));
    const response = await answer;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      code: 'files_unavailable',
      detail: expect.stringContaining(`"${runner.name}" did not come`),
    });
    const token = await mint(runner.name, { typ: TokenType.runner });
    expect((await dialTransfer(id, order.transfer_id, token)).status).toBe(404);
  });

  it('breaks off when its session is deleted', async () => {
    const { user, runner, id } = await scene();
    const answer = callFiles(user, 'GET', `${id}/files/a`);
    const transfer = await FakeTransfer.next(runner);
    transfer.head();
    const response = await answer;
    expect((await user.call('DELETE', `/sessions/${id}`)).status).toBe(204);
    await expect(response.arrayBuffer()).rejects.toThrow();
    await transfer.until(() => false);
    expect(transfer.closed).not.toBeNull();
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

it('hands each of 10,000 paths to the runner as it was sent, decoded once, or refuses it', async () => {
  const { user, runner, id } = await scene();
  const prefix = `/api/v1/sessions/${id}/files/`;
  let handed = 0;
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
    { numRuns: 10_000 },
  );
  expect(handed).toBeGreaterThan(3000);
}, 120_000);

function decoded(path: string): string | null {
  try {
    const text = decodeURIComponent(path);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
