import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { awaitEarlierEdge, edgeFolder, startEdgePart } from '../../../../start/edge/edge-part.ts';
import { processFileOf, type Edge } from '../../../../start/edge/edge.ts';
import { runningProcess } from '../../../../runner/lib/process-identity.ts';
import { writeProcessFile } from '../../../../start/lib/process-file.ts';
import { isRefused } from '../../../../start/lib/refused.ts';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { Client } from '../../../support/e2e/client.ts';
import { WAIT_MS } from '../../../support/patience.ts';
import { until } from '../../../support/until.ts';

/** The edge as `npm start` and the compose stack run it. */

const SECRET = 'known to every test and of no use elsewhere';

let folder: string;
let edge: Edge | undefined;
const said: string[] = [];
beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-workerd-'))));
afterEach(async () => {
  await edge?.stop();
  edge = undefined;
  said.length = 0;
  await rm(folder, { recursive: true, force: true });
});

const log = () => readFile(path.join(folder, 'edge.log'), 'utf8');
/** The ids of calls that begin with `rush`, as the access log has them. */
const loggedIds = async () => (await log()).split('\n').flatMap((line) => /"id":"(rush-\d+)"/.exec(line)?.[1] ?? []);
const workerd = async () => runningProcess(await readFile(processFileOf(edgeFolder(folder)), 'utf8'));

/** The id of the shell that ends workerd after this process. */
async function guard(): Promise<number> {
  for (const name of await readdir('/proc')) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // Id, name, state, id of the parent.
    const shell = /^(\d+) \(sh\) [^Z] (\d+) /.exec(stat);
    if (shell !== null && Number(shell[2]) === process.pid) return Number(shell[1]);
  }
  return expect.fail('no shell guards workerd');
}

const client = async (url: string) =>
  new Client(url, await mintToken(SECRET, { kind: 'user', sub: 'alice', ttlSeconds: 3600 }));

async function start(vars: Record<string, string> = {}, host = '127.0.0.1'): Promise<Edge> {
  const started = await startEdgePart({
    worker: WORKER_BUNDLE,
    host,
    port: 0,
    stateFolder: edgeFolder(folder),
    vars: { JWT_SECRET: SECRET, ...vars },
    log: path.join(folder, 'edge.log'),
    say: (line) => said.push(line),
  });
  if (isRefused(started)) throw new Error(started.refused);
  return (edge = started);
}

test('workerd killed: it is back on its port with all that it had acknowledged, and the log says why it ended', async () => {
  const { url } = await start();
  const alice = await client(url);
  const created: string[] = [];
  for (let round = 0; round < 3; round++) {
    created.push(await alice.createSession());
    const killed = (await workerd()) ?? expect.fail('no workerd');
    process.kill(killed, 'SIGKILL');
    await until(async () => expect((await fetch(`${url}/health`)).status).toBe(200));
    expect(await workerd()).not.toBe(killed);
  }
  const { sessions } = (await alice.call('GET', '/sessions')).body;
  expect(sessions.map(({ session_id }: { session_id: string }) => session_id)).toEqual(created.toReversed());
  await until(() => expect(said.filter((line) => line === 'workerd serves again')).toHaveLength(3));
  expect(said).toContain('workerd ended (SIGKILL); it is started again');
  expect(await log()).toContain('edge: workerd ended (SIGKILL); it is started again');
});

test('the process that guards workerd killed: another one guards it', async () => {
  const { lifeline } = await start();
  const guarded = (await workerd()) ?? expect.fail('no workerd');
  process.kill(await guard(), 'SIGKILL');
  await until(async () => expect(await log()).toContain('another takes its place'));
  // As when this process and the runner are gone.
  lifeline().end();
  await until(async () => expect(await workerd()).not.toBe(guarded));
  await until(() => expect(said).toContain('workerd ended (SIGKILL); it is started again'));
});

test('what a platform says in headers, a client cannot', async () => {
  const { url } = await start({ RATE_LIMIT_PER_ADDRESS: '1' });
  const token = await mintToken(SECRET, { kind: 'user', sub: 'alice', ttlSeconds: 3600 });
  const call = async (n: number) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'cf-connecting-ip': `192.0.2.${n}`,
      'true-client-ip': `192.0.2.${n}`,
      'mf-original-url': 'http://127.0.0.1/docs',
      'mf-route-override': 'nowhere',
    };
    return (await fetch(`${url}/api/v1/sessions`, { headers })).status;
  };
  expect([await call(1), await call(2)]).toEqual([200, 429]);
});

test('in a rush of calls, each has its line in the log, once', async () => {
  const { url } = await start();
  const alice = await client(url);
  const id = await alice.createSession();
  const ids = Array.from({ length: 300 }, (_, n) => `rush-${n}`);
  await Promise.all(
    ids.map(async (request) => {
      const shown = await alice.raw('GET', `/sessions/${id}`, { headers: { 'x-request-id': request } });
      expect([shown.status, shown.headers.get('x-request-id'), shown.headers.get('x-frame-options')]).toEqual([
        200,
        request,
        'DENY',
      ]);
    }),
  );
  await until(async () => expect((await loggedIds()).length).toBeGreaterThanOrEqual(ids.length));
  expect((await loggedIds()).toSorted()).toEqual(ids.toSorted());
});

test('what has changed is shown changed, however often it was shown before', async () => {
  const { url } = await start();
  const alice = await client(url);
  const bob = new Client(url, await mintToken(SECRET, { kind: 'user', sub: 'bob', ttlSeconds: 3600 }));
  const id = await alice.createSession();
  for (let n = 0; n < 50; n++) {
    await Promise.all([alice.show(id), alice.show(id)]);
    const title = `title ${n}`;
    const changing = alice.call('PATCH', `/sessions/${id}`, { title });
    // Shown while it changes: the old one or the new one.
    expect([`title ${n - 1}`, title, n === 0 ? null : title]).toContain((await alice.show(id)).title);
    expect((await changing).status).toBe(200);
    expect(await alice.show(id)).toMatchObject({ title });
  }
  expect((await bob.call('GET', `/sessions/${id}`)).status).toBe(404);
  expect((await alice.call('DELETE', `/sessions/${id}`)).status).toBeLessThan(300);
  expect((await alice.call('GET', `/sessions/${id}`)).status).toBe(404);
});

test('an address of IPv6 is served, and callers by it are told apart by address as well', async () => {
  const { url } = await start({ RATE_LIMIT_PER_ADDRESS: '1' }, '::');
  const { port } = new URL(url);
  const statuses = [];
  for (const host of ['127.0.0.1', '127.0.0.1', '[::1]', '[::1]'])
    statuses.push((await fetch(`http://${host}:${port}/api/v1/sessions`)).status);
  expect(statuses).toEqual([401, 429, 401, 429]);
});

test('an edge that cannot start says why in a line', async () => {
  const { url } = await start();
  const second = await startEdgePart({
    worker: WORKER_BUNDLE,
    host: '127.0.0.1',
    port: Number(new URL(url).port),
    stateFolder: edgeFolder(path.join(folder, 'other')),
    vars: { JWT_SECRET: SECRET },
    log: path.join(folder, 'second.log'),
  });
  expect(second).toEqual({ refused: expect.stringMatching(/^the edge could not start: [^\n]*Address already in use/) });
});

test('the edge of an earlier start is waited for, for two would write over each other', async () => {
  const earlier = spawn('sleep', ['600']);
  await mkdir(folder, { recursive: true });
  writeProcessFile(processFileOf(edgeFolder(folder)), earlier.pid ?? expect.fail('no process'));
  const waited = awaitEarlierEdge(folder, (line) => said.push(line), AbortSignal.timeout(WAIT_MS));
  await until(() => expect(said).toEqual([expect.stringContaining(`an earlier start (process ${earlier.pid})`)]));
  expect(await Promise.race([waited, Promise.resolve('still waiting')])).toBe('still waiting');
  earlier.kill('SIGKILL');
  expect(await waited).toBeUndefined();
  // Of a process that is gone, only the file is left.
  expect(await awaitEarlierEdge(folder, (line) => said.push(line), AbortSignal.timeout(WAIT_MS))).toBeUndefined();
  expect(said).toHaveLength(1);
});
