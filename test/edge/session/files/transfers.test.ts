import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { TRANSFER_CHUNK, TRANSFER_WINDOW } from '../../../../protocol/api/files/files.ts';
import { Transfer } from '../../../../durable/session/files/transfer.ts';
import { TokenType } from '../../../../protocol/token.ts';
import { mint } from '../../support/api.ts';
import { filesScene as scene, MB, noise } from './support/files-scene.ts';
import { emptyPool } from '../../support/pool.ts';
import { callFiles, dialTransfer, FakeTransfer } from './support/transfer.ts';
import { runnerToken } from '../../support/runner-token.ts';

beforeEach(emptyPool);

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

  it('of which nothing more comes is given up', async () => {
    const { readable, writable } = new IdentityTransformStream();
    const { 0: runner, 1: edge } = new WebSocketPair();
    const transfer = new Transfer({ body: readable, headOnly: false, bodyTimeout: 0.05 }, () => {});
    runner.accept();
    transfer.connect(edge);
    const writer = writable.getWriter();
    await writer.write(noise(10));
    const answer = await (await transfer.answer).json();
    expect(answer).toMatchObject({ refused: 'body_timeout', detail: expect.stringContaining('BODY_TIMEOUT') });
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
    ['file_access_denied', 403],
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
      (
        await dialTransfer(
          session,
          transfer,
          typ === TokenType.runner ? await runnerToken(sub) : await mint(sub, { typ }),
        )
      ).status;
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
    const headers = { authorization: `Bearer ${await runnerToken(runner.name)}` };
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
    const token = await runnerToken(runner.name);
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
