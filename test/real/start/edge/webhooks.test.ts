import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SCHEDULE_MS } from '../../../../durable/session/core/webhooks/delivery.ts';
import { signingSecret } from '../../../../durable/shared/webhooks/signing.ts';
import { VERSION } from '../../../../protocol/version.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import type { WranglerConfig } from '../../../../start/edge/workerd/wrangler-config.ts';
import type { Order, State } from '../../../edge/support/webhooks/webhook-order.ts';
import { makeAuthority, startTlsServer } from '../../../support/secrets/servers.ts';
import { until } from '../../../support/until.ts';
import { expectedSignature, Receiver, status } from '../../../support/net/receiver.ts';

const config: WranglerConfig = {
  name: 'webhooks',
  compatibility_date: '2026-10-01',
  compatibility_flags: [],
  durable_objects: { bindings: [{ name: 'POSTER', class_name: 'Poster' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Poster'] }],
  vars: {},
};
const SECRET = signingSecret(new Uint8Array(32).fill(7));
const T0 = Date.parse('2026-11-01T12:00:00Z');
const BODY = '{"type":"child.result","timestamp":"2026-11-01T12:00:00.000Z","data":{"result":"öäü 🎈"}}';
const LOOPBACK = { WEBHOOK_ALLOW: '127.0.0.1/32' };

let bundle: string;
let receiver: Receiver;
/** By their variables, as JSON. One takes longer to start than most tests to run. */
const edges = new Map<string, Edge>();
let edge: Edge;
/** The object of this test alone. */
let poster: string;

beforeAll(async () => {
  bundle = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-webhooks-'));
  await build({
    entryPoints: [path.join(import.meta.dirname, '../../../edge/support/webhooks/webhook-worker.ts')],
    outfile: path.join(bundle, 'worker.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*'],
  });
});
afterAll(async () => {
  for (const each of edges.values()) await each.stop();
  await rm(bundle, { recursive: true, force: true });
});

beforeEach(async () => {
  poster = randomUUID();
  receiver = await Receiver.start();
});
afterEach(async () => await receiver.stop());

/** Has the edge with these variables run. */
async function start(vars: Record<string, string> = LOOPBACK): Promise<void> {
  const key = JSON.stringify(vars);
  const worker = path.join(bundle, 'worker.mjs');
  const stateFolder = path.join(bundle, createHash('sha256').update(key).digest('hex'));
  edge = edges.get(key) ?? (await startEdge({ worker, host: '127.0.0.1', port: 0, stateFolder, vars, config }));
  edges.set(key, edge);
}

/** Ends the one with the usual variables, if it runs; the next `start` starts it on the same state. */
async function stop(): Promise<void> {
  const key = JSON.stringify(LOOPBACK);
  await edges.get(key)?.stop();
  edges.delete(key);
}

/** @param after since the first order, milliseconds */
async function order(after: number, rest: Omit<Order, 'now'>): Promise<State> {
  const answer = await fetch(`${edge.url}/${poster}`, {
    method: 'POST',
    body: JSON.stringify({ now: T0 + after, ...rest }),
  });
  return (await answer.json()) as State;
}

const events = (...ids: string[]) => ids.map((id) => ({ id, body: BODY }));
const REFUSED = /^No connection: .*WEBHOOK_ALLOW/;
const toReceiver = () => ({ target: { url: receiver.url, secret: SECRET } });

/** What comes of one post to there. */
async function post(url: string): Promise<string> {
  const before = (await order(0, {})).given_up.length;
  const target = { url, secret: SECRET };
  const { given_up } = await order(0, { target, add: events(randomUUID()), last_try: true, tell: true });
  return given_up.at(before)?.detail ?? 'delivered';
}

describe('a webhook', () => {
  test('is posted once, signed as Standard Webhooks says', async () => {
    await start();
    const state = await order(0, { ...toReceiver(), add: events('one'), tell: true });
    await order(1, { tell: true });
    expect(state).toEqual({ waiting: 0, next_try: null, given_up: [], states: { one: 'delivered' } });
    const [post, ...more] = receiver.posts;
    if (post === undefined) throw new Error('nothing was posted');
    expect(more).toEqual([]);
    expect(post).toMatchObject({
      method: 'POST',
      path: '/hook',
      body: BODY,
      headers: {
        'content-type': 'application/json',
        'user-agent': `CC-Docker/${VERSION}`,
        'webhook-id': 'one',
        'webhook-timestamp': String(T0 / 1000),
        'webhook-signature': expectedSignature(post, SECRET),
      },
    });
  });

  test('that was answered 500 is posted again after five seconds, the same id with the time that it is then', async () => {
    await start();
    receiver.answers.push(status(500));
    const failed = await order(0, { ...toReceiver(), add: events('one'), tell: true });
    expect(failed).toMatchObject({ waiting: 1, next_try: T0 + 5000, given_up: [] });
    await order(4999, { tell: true });
    expect(receiver.posts).toHaveLength(1);
    expect(await order(5000, { tell: true })).toMatchObject({ waiting: 0, given_up: [] });
    expect(receiver.ids).toEqual(['one', 'one']);
    const [, again] = receiver.posts;
    if (again === undefined) throw new Error('it was not posted again');
    expect(again.headers['webhook-timestamp']).toBe(String(T0 / 1000 + 5));
    expect(again.headers['webhook-signature']).toBe(expectedSignature(again, SECRET));
  });

  test('waits for the one before it', async () => {
    await start();
    receiver.answers.push(status(500), status(500));
    await order(0, { ...toReceiver(), add: events('one', 'two'), tell: true });
    await order(1, { add: events('three'), tell: true });
    await order(5000, { tell: true });
    expect(receiver.ids).toEqual(['one', 'one']);
    await order(35_000, { tell: true });
    expect(receiver.ids).toEqual(['one', 'one', 'one', 'two', 'three']);
  });

  test('whose receiver does not answer in time has failed', async () => {
    await start({ ...LOOPBACK, TIMEOUT_MS: '300' });
    receiver.answers.push(() => {});
    const state = await order(0, { ...toReceiver(), add: events('one'), tell: true });
    expect(state).toMatchObject({ waiting: 1, next_try: T0 + 5000 });
  });

  test('that is under way is not posted beside itself, and is looked after should its object be cut off', async () => {
    await start();
    const asked = Promise.withResolvers<() => void>();
    receiver.answers.push((_, response) => asked.resolve(() => response.end()));
    const posting = order(0, { ...toReceiver(), add: events('one', 'two'), tell: true });
    const answer = await asked.promise;
    expect(await order(0, { tell: true, at_once: true })).toMatchObject({ waiting: 2, next_try: T0 + 15_000 });
    answer();
    expect(await posting).toMatchObject({ waiting: 0, next_try: null });
    expect(receiver.ids).toEqual(['one', 'two']);
  });

  test('that is answered without end is delivered, and the answer is not read', async () => {
    await start();
    const cut = Promise.withResolvers<void>();
    receiver.answers.push((_, response) => {
      response.on('close', cut.resolve);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    expect(await order(0, { ...toReceiver(), add: events('one'), tell: true })).toMatchObject({ waiting: 0 });
    await cut.promise;
  });

  test('whose receiver is gone ends at once, with all that waited for it', async () => {
    await start();
    receiver.answers.push(status(410));
    const state = await order(0, { ...toReceiver(), add: events('one', 'two', 'three'), tell: true });
    expect(state).toMatchObject({ waiting: 0, next_try: null });
    expect(state.given_up).toEqual([
      { receiver: 'callback', attempts: 1, detail: expect.stringMatching(/410 Gone.*dropped: 2/) },
    ]);
    expect(receiver.ids).toEqual(['one']);
  });

  test('is given up after the last try, and the next one has its turn', async () => {
    await start();
    const tries = SCHEDULE_MS.length + 1;
    receiver.answers.push(...Array.from({ length: tries }, () => status(503)));
    let state = await order(0, { ...toReceiver(), add: events('one', 'two'), tell: true });
    while (state.given_up.length === 0) {
      const { next_try } = state;
      if (next_try === null) throw new Error('it is not tried again');
      state = await order(next_try - T0, { tell: true });
    }
    expect(state.given_up).toEqual([{ receiver: 'callback', attempts: tries, detail: 'The receiver answered 503.' }]);
    expect(state.waiting).toBe(0);
    expect(receiver.ids).toEqual([...Array.from({ length: tries }, () => 'one'), 'two']);
  });

  test('that waits outlives the edge', async () => {
    await start();
    receiver.answers.push(status(500));
    await order(0, { ...toReceiver(), add: events('one', 'two'), tell: true });
    await stop();
    await start();
    expect(await order(4999, { tell: true })).toMatchObject({ waiting: 2, next_try: T0 + 5000 });
    await order(5000, { tell: true });
    expect(receiver.ids).toEqual(['one', 'one', 'two']);
  });

  test('of a session that is deleted meanwhile is forgotten', async () => {
    await start();
    const asked = Promise.withResolvers<() => void>();
    receiver.answers.push((_, response) => asked.resolve(() => response.writeHead(410).end()));
    const posting = order(0, { ...toReceiver(), add: events('one', 'two'), tell: true });
    const answer = await asked.promise;
    await order(0, { gone: true, at_once: true });
    answer();
    // There are no tables any more to write to.
    expect(await posting).toMatchObject({ waiting: 2, next_try: null, given_up: [] });
    expect(receiver.ids).toEqual(['one']);
  });

  test('whose receiver is down for an hour comes then: all of them, in order, each once', async () => {
    await start();
    const { port, url } = receiver;
    await receiver.stop();
    const other = await Receiver.start();
    onTestFinished(async () => await other.stop());
    const targets = { callback: { url, secret: SECRET }, 'owner/other': { url: other.url, secret: SECRET } };
    const add = ['one', 'two', 'three'].flatMap((id) =>
      Object.keys(targets).map((name) => ({ id: `${id} ${name}`, body: BODY, receiver: name })),
    );
    let state = await order(0, { targets, add, tell: true });
    // Nobody else waits for it.
    expect(other.ids).toEqual(['one owner/other', 'two owner/other', 'three owner/other']);
    let now = 0;
    while (now < 3_600_000) {
      now = (state.next_try ?? Number.NaN) - T0;
      state = await order(now, { tell: true });
      expect(state).toMatchObject({ waiting: 3, given_up: [] });
    }
    receiver = await Receiver.start(port);
    const next = (state.next_try ?? Number.NaN) - T0;
    expect(await order(next, { tell: true })).toMatchObject({ waiting: 0, next_try: null, given_up: [] });
    expect(receiver.ids).toEqual(['one callback', 'two callback', 'three callback']);
    expect(other.ids).toHaveLength(3);
  });

  test('whose receiver hangs keeps no other receiver waiting', async () => {
    await start();
    const other = await Receiver.start();
    onTestFinished(async () => await other.stop());
    const asked = Promise.withResolvers<() => void>();
    receiver.answers.push((_, response) => asked.resolve(() => response.end()));
    const targets = {
      'owner/slow': { url: receiver.url, secret: SECRET },
      'owner/quick': { url: other.url, secret: SECRET },
    };
    const add = ['one', 'two'].flatMap((id) =>
      Object.keys(targets).map((name) => ({ id: `${id} ${name}`, body: BODY, receiver: name })),
    );
    const posting = order(0, { targets, add, tell: true });
    const answer = await asked.promise;
    await until(() => expect(other.ids).toEqual(['one owner/quick', 'two owner/quick']));
    expect(receiver.ids).toEqual(['one owner/slow']);
    answer();
    expect(await posting).toMatchObject({ waiting: 0 });
    expect(receiver.ids).toEqual(['one owner/slow', 'two owner/slow']);
  });

  test('that was given up is posted again when it is asked for, under its own id', async () => {
    await start();
    receiver.answers.push(status(500));
    const failed = await order(0, { ...toReceiver(), add: events('one'), last_try: true, tell: true });
    expect(failed.states).toEqual({ one: 'failed' });
    expect((await order(1, { again: 'one', tell: true })).states).toEqual({ one: 'delivered' });
    expect(receiver.ids).toEqual(['one', 'one']);
  });

  test('whose receiver was removed is not posted any more', async () => {
    await start();
    receiver.answers.push(status(500));
    await order(0, { ...toReceiver(), add: events('one', 'two'), tell: true });
    const state = await order(5000, { target: null, tell: true });
    expect(state).toMatchObject({ waiting: 0, next_try: null, states: { one: 'canceled', two: 'canceled' } });
    expect(receiver.ids).toEqual(['one']);
  });

  test('is not led elsewhere by a redirect', async () => {
    await start();
    const other = await Receiver.start();
    try {
      receiver.answers.push(status(307, { location: other.url }));
      expect(await order(0, { ...toReceiver(), add: events('one'), tell: true })).toMatchObject({ waiting: 1 });
      expect(other.posts).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe('the network of the webhooks', () => {
  // Workerd says there what it refuses, with a stack for each.
  beforeEach(() => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  test('does not reach what is not public, however it is named', async () => {
    await start({});
    const { port } = receiver;
    // Where the filter does not work the test ends here, before anything is sent off this machine: all that follows is kept from
    // by the same word of workerd's.
    expect(await post(`http://127.0.0.1:${port}/`)).toMatch(REFUSED);
    for (const host of [
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '0x7f000001',
      '127.1',
      '169.254.169.254',
      '10.0.0.1',
      '192.168.0.1',
      '[fe80::1]',
      '[fd00:ec2::254]',
    ]) {
      expect([host, await post(`http://${host}:${port}/`)]).toEqual([host, expect.stringMatching(REFUSED)]);
    }
    expect(receiver.posts).toEqual([]);
  });

  test('reaches what WEBHOOK_ALLOW names, by any name, and nothing beside it', async () => {
    await start(LOOPBACK);
    const { port } = receiver;
    expect(await post(`http://127.0.0.1:${port}/`)).toBe('delivered');
    expect(await post(`http://localhost:${port}/`)).toBe('delivered');
    expect(await post(`http://127.0.0.2:${port}/`)).toMatch(REFUSED);
    expect(await post(`http://[::1]:${port}/`)).toMatch(REFUSED);
    expect(receiver.posts).toHaveLength(2);
  });

  test('trusts the authorities of NODE_EXTRA_CA_CERTS beside the public ones, and nobody else', async () => {
    const authority = await makeAuthority(bundle);
    const server = await startTlsServer(authority, 'localhost', (_, response) => response.end());
    const file = path.join(bundle, 'authority.pem');
    await writeFile(file, authority.certificate);
    onTestFinished(stop);
    vi.stubEnv('NODE_EXTRA_CA_CERTS', undefined);
    await stop();
    await start();
    expect(await post(`https://localhost:${server.port}/`)).toMatch(REFUSED);
    await stop();
    vi.stubEnv('NODE_EXTRA_CA_CERTS', file);
    await start();
    expect(await post(`https://localhost:${server.port}/`)).toBe('delivered');
    expect(server.seen).toHaveLength(1);
  });
});
