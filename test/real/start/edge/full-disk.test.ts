import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { EdgeDiskWatch } from '../../../../start/edge/disk/watch.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import { PROJECT } from '../../../../start/lib/project.ts';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { Client, script } from '../../../support/e2e/client.ts';
import { describeOnDisk } from '../../../support/disk/describe-on-disk.ts';
import { LoopDisk } from '../../../support/disk/loop-disk.ts';
import { CLAUDE, nodeEnvironment } from '../../../support/run/node-environment.ts';
import { until } from '../../../support/until.ts';

const SECRET = 'known to every test and of no use elsewhere';
const token = (sub: string) => mintToken(SECRET, { kind: 'user', sub, ttlSeconds: 3600 });

describeOnDisk('the service as a person starts it, with its data on a disk that runs full', () => {
  const FLOOR_MB = 40;
  let disk: LoopDisk;
  let home: string;
  let service: ChildProcess;
  let output = '';
  let url: string;
  let alice: Client;

  beforeAll(async () => {
    disk = LoopDisk.make(320);
    home = mkdtempSync(path.join(os.tmpdir(), 'cc-docker-home-'));
    service = spawn(process.execPath, [path.join(PROJECT, 'start', 'main.ts')], {
      cwd: PROJECT,
      env: {
        ...nodeEnvironment(),
        CLAUDE_PATH: CLAUDE,
        HOME: home,
        TMPDIR: home,
        PORT: '0',
        CC_DOCKER_DATA: path.join(disk.folder, 'data'),
        DISK_FLOOR_MB: String(FLOOR_MB),
        RUNNER_BACKEND: 'process',
        ANTHROPIC_API_KEY: '',
        ANTHROPIC_AUTH_TOKEN: '',
        CLAUDE_CODE_OAUTH_TOKEN: '',
        ANTHROPIC_BASE_URL: '',
        JWT_SECRET: SECRET,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [service.stdout, service.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until(() => expect(output).toMatch(/serves on http\S+/));
    url = /serves on (http\S+)/.exec(output)?.[1] ?? '';
    alice = new Client(url, await token('alice'));
  });

  afterAll(async () => {
    service?.kill('SIGTERM');
    if (service?.exitCode === null && service.signalCode === null) await once(service, 'exit');
    disk?.remove();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  const health = async () => (await fetch(`${url}/health`)).json();
  const ok = { status: 'ok', parts: { edge: { disk: { low: false } }, pool: { runners: [{ disk: { low: false } }] } } };
  const low = {
    status: 'degraded',
    parts: { edge: { disk: { low: true, floor_mb: FLOOR_MB } }, pool: { runners: [{ disk: { low: true } }] } },
  };

  test('it takes no new work, says so on screen and in /health, and goes on by itself', async () => {
    const id = await alice.createSession();
    expect((await alice.ask(id, script({ text: 'before' }))).result).toContain('before');
    const other = await alice.createSession();
    const viewer = alice.watch(id, 0);
    disk.fill(FLOOR_MB / 2);
    await until(async () => expect(await health()).toMatchObject(low));
    await until(() => expect(output).toContain('the disk is nearly full'));
    const refused = await alice.raw('POST', '/sessions', { body: '{}' });
    expect(refused.status).toBe(507);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.json()).toMatchObject({ code: 'disk_low', detail: expect.stringContaining('DISK_FLOOR_MB') });
    expect((await alice.call('POST', `/sessions/${id}/chat`, { prompt: 'more' })).status).toBe(507);
    expect((await alice.call('GET', `/sessions/${id}/events`)).body.data.length).toBeGreaterThan(3);
    expect((await alice.call('POST', `/sessions/${id}/stop`)).status).toBe(200);
    expect((await alice.call('DELETE', `/sessions/${other}`)).status).toBeLessThan(300);
    viewer.send({ type: 'prompt', prompt: 'by WebSocket' });
    expect(await viewer.until(({ type }) => type === 'error')).toMatchObject({ code: 'disk_low' });
    viewer.close();
    disk.makeRoom();
    await until(async () => expect(await health()).toMatchObject(ok));
    await until(() => expect(output).toContain('the disk has room again'));
    expect((await alice.ask(id, script({ text: 'after' }))).result).toContain('after');
  });

  test('the session that fills it is parked with the reason, and the others go on', async () => {
    const [other, filling] = [await alice.createSession(), await alice.createSession()];
    await alice.ask(other, script({ text: 'here' }));
    const command = 'for n in $(seq 300); do head -c 1M /dev/zero > $n; sleep 0.01; done; sleep 60';
    await alice.tell(filling, script({ tool: 'Bash', input: { command } }, { text: 'done' }));
    const watcher = alice.watch(filling, 0);
    const { data } = await watcher.until(({ type, data }) => type === 'session.status' && data.status === 'failed');
    watcher.close();
    expect(data.reason).toMatchObject({ code: 'out_of_disk', detail: expect.stringContaining('disk is nearly full') });
    expect(await alice.show(other)).toMatchObject({ status: 'idle' });
    expect((await alice.call('DELETE', `/sessions/${filling}`)).status).toBeLessThan(300);
    await until(async () => expect(await health()).toMatchObject(ok));
    expect((await alice.ask(other, script({ text: 'still here' }))).result).toContain('still here');
  });

  test('with no block free, what runs is stored completely, and nothing ends', async () => {
    const STEPS = 30;
    const id = await alice.createSession();
    // Each step says outside of the full disk that it was made.
    const made = path.join(home, 'steps');
    const steps = Array.from({ length: STEPS }, (_, n) => ({
      tool: 'Bash',
      input: { command: `echo ${n} >> ${made}; sleep 0.1` },
    }));
    const count = () => (existsSync(made) ? readFileSync(made, 'utf8').trim().split('\n').length : 0);
    const message = await alice.tell(id, script(...steps, { text: 'all done' }));
    await until(() => expect(count()).toBeGreaterThan(2));
    // The room that is kept for this is made again some time after a disk was full.
    const reserve = path.join(disk.folder, 'data', 'edge.reserve');
    await until(() => expect(statSync(reserve).size).toBe(32 * 1024 * 1024));
    disk.fill(0);
    await until(async () => expect(await health()).toMatchObject(low));
    const refused = { status: 507, body: { code: 'disk_low' } };
    await until(async () => expect(await alice.call('POST', '/sessions', {})).toMatchObject(refused));
    await until(() => expect(count()).toBe(STEPS));
    disk.makeRoom();
    await until(async () => {
      const { body } = await alice.call('GET', `/sessions/${id}/messages/${message}`);
      expect(body).toMatchObject({ status: 'completed', result: 'all done' });
    });
    const events = (await alice.call('GET', `/sessions/${id}/events?limit=500`)).body.data;
    expect(events.map(({ seq }: { seq: number }) => seq)).toEqual(events.map((_: unknown, n: number) => n + 1));
    expect(resultsIn(events)).toHaveLength(STEPS);
    expect(new Set(resultsIn(events)).size).toBe(STEPS);
    await until(async () => expect(await health()).toMatchObject(ok));
    expect(service.exitCode).toBeNull();
    expect(output).not.toContain('ended');
    expect((await alice.ask(id, script({ text: 'after' }))).result).toContain('after');
  });
});

/** The tool calls whose results are among these events. */
function resultsIn(events: { type: string; data: unknown }[]): string[] {
  return events
    .filter(({ type }) => type === 'user')
    .flatMap(({ data }) => /"tool_use_id":"([^"]+)"/.exec(JSON.stringify(data))?.[1] ?? []);
}

describeOnDisk('an edge whose disk has not a single block', () => {
  let disk: LoopDisk;
  let edge: Edge;
  const said: string[] = [];
  beforeAll(async () => {
    disk = LoopDisk.make(64);
    const vars = { JWT_SECRET: SECRET, DISK_FLOOR_MB: '0' };
    const stateFolder = path.join(disk.folder, 'edge');
    const options = { worker: WORKER_BUNDLE, host: '127.0.0.1', port: 0, stateFolder, vars };
    edge = await startEdge({ ...options, say: (line) => void said.push(line) });
  });
  afterAll(async () => {
    await edge?.stop();
    disk?.remove();
  });

  test('refuses what it cannot store, shows what it has, and stores again when there is room', async () => {
    const alice = new Client(edge.url, await token('alice'));
    const id = await alice.createSession();
    const chat = () => alice.call('POST', `/sessions/${id}/chat`, { prompt: 'x'.repeat(50_000), stream: true });
    expect((await chat()).status).toBe(202);
    disk.fill(0);
    const stored: string[] = [];
    await until(async () => {
      const { status, body } = await chat();
      if (status === 202) stored.push(body.message_id);
      expect({ status, code: body.code }).toEqual({ status: 507, code: 'disk_low' });
    });
    await until(async () => expect((await alice.call('GET', `/sessions/${id}`)).status).toBe(200));
    disk.makeRoom();
    await until(async () => {
      const { status, body } = await chat();
      expect(status).toBe(202);
      stored.push(body.message_id);
    });
    const { data } = (await alice.call('GET', `/sessions/${id}/messages`)).body;
    const known = data.map(({ message_id }: { message_id: string }) => message_id);
    expect(known).toEqual(expect.arrayContaining(stored));
    expect(known).toHaveLength(stored.length + 1);
  });

  test('does not end, wherever the last block is used up: what it cannot open is refused', async () => {
    const answers = new Set<string>();
    for (let n = 0; n < 60; n++) {
      disk.fill(0);
      // Enough for a part of what a new owner's and a new session's databases need.
      disk.giveBack((n % 30) * 4096);
      const owner = new Client(edge.url, await token(`owner ${n}`));
      const { status, body } = await owner.call('POST', '/sessions', {});
      answers.add(`${status} ${body.code ?? ''}`);
    }
    expect([...answers].filter((answer) => answer !== '201 ')).toEqual(['507 disk_low']);
    expect(said).toEqual([]);
    disk.makeRoom();
    const alice = new Client(edge.url, await token('alice'));
    await until(async () => expect((await alice.call('POST', '/sessions', {})).status).toBe(201));
  });
});

const warningOf = (folder: string) => new EdgeDiskWatch(folder, { floorMb: 0, log: () => {} }).warning();

describeOnDisk('a disk with blocks that are too small', () => {
  let disk: LoopDisk;
  beforeAll(() => {
    disk = LoopDisk.make(16, 1024);
  });
  afterAll(() => disk?.remove());

  test('is warned of before it is full', async () => {
    expect(await warningOf(disk.folder)).toMatch(/1024 bytes.*the edge may end.*4096/);
    expect(await warningOf(os.tmpdir())).toBeNull();
  });
});
