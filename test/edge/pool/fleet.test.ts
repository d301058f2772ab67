import { beforeEach, describe, expect, it } from 'vitest';
import { PROTOCOL } from '../../../protocol/link/protocol-version.ts';
import { MAX_UNKNOWN_PER_MINUTE } from '../../../durable/shared/unknown-frames.ts';
import { dial, mint, request, User } from '../support/api.ts';
import { emptyPool, pool } from '../support/pool.ts';
import { FakeRunner, storage } from '../support/runner.ts';
import { runnerToken } from '../support/runner-token.ts';
import { evict } from '../support/setup/evict.ts';

const admin = async () => new User('root', { claims: { scope: 'admin' } });
const status = async (user: User, id: string) => (await user.call('GET', `/sessions/${id}`)).body;
const shown = async (name: string) => {
  const { body } = await (await admin()).call('GET', '/runners');
  return body.data.find((runner: { name: string }) => runner.name === name);
};
const change = async (name: string, what: 'cordon' | 'uncordon' | 'drain') =>
  await (await admin()).call('POST', `/runners/${name}/${what}`);

beforeEach(emptyPool);

describe('who runs the service', () => {
  it('sees what each runner is and has, and nobody else does', async () => {
    const labels = { zone: 'a' };
    const runner = await FakeRunner.connect('gpu-1', { capacity: 3, labels, protocol: PROTOCOL, version: '9.9.9' });
    const user = new User();
    await runner.start(await user.createSession());
    expect(await shown('gpu-1')).toMatchObject({
      state: 'connected',
      version: '9.9.9',
      protocol: PROTOCOL,
      backend: 'process',
      labels,
      capacity: 3,
      running: 1,
      free: 2,
      health: { ok: true },
      storage: { id: 'of gpu-1', ok: true },
      disk: null,
      cordoned: false,
    });
    expect((await user.call('GET', '/runners')).body.code).toBe('scope_missing');
    expect((await user.call('POST', '/runners/gpu-1/cordon')).body.code).toBe('scope_missing');
    runner.control.close();
    await expect.poll(async () => (await shown('gpu-1')).state).toBe('away');
    expect(Date.now() - Date.parse((await shown('gpu-1')).last_seen)).toBeLessThan(60_000);
    expect(await change('nobody', 'cordon')).toMatchObject({ status: 404, body: { code: 'runner_not_found' } });
  });

  it('cordons a runner: what runs there goes on, nothing new comes, and that holds over restarts of both', async () => {
    const user = new User();
    const runner = await FakeRunner.connect('old');
    const id = await user.createSession();
    const container = await runner.start(id);
    expect(await change('old', 'cordon')).toMatchObject({ status: 200, body: { state: 'cordoned', free: 0 } });
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'go on' });
    expect((await container.prompt()).prompt).toBe('go on');
    const next = await user.createSession();
    await expect.poll(async () => (await status(user, next)).reason?.detail).toMatch(/"old" is cordoned.*uncordon/);
    expect(await request('/ready')).toMatchObject({ status: 503 });

    await evict(pool());
    runner.control.close();
    const again = await FakeRunner.reconnect('old', [{ session_id: id, epoch: 1 }]);
    expect(await shown('old')).toMatchObject({ state: 'cordoned', running: 1 });
    expect(again.runner.control.unread(({ kind }) => kind === 'launch')).toBe(0);

    expect((await change('old', 'uncordon')).body).toMatchObject({ state: 'connected', cordoned_at: null });
    expect((await again.runner.launch(next)).epoch).toBe(1);
    const { body } = await (await admin()).call('GET', '/audit?action=runner.cordoned');
    expect(body.data[0]).toMatchObject({ action: 'runner.cordoned', target: 'old' });
  });

  it('has a session wait whose files are on a cordoned runner alone, and says so', async () => {
    const user = new User();
    const runner = await FakeRunner.connect('home');
    const id = await user.createSession();
    const container = await runner.start(id);
    await user.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, 'stopped_by_user');
    await FakeRunner.connect('other');
    await change('home', 'cordon');
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
    await expect.poll(async () => (await status(user, id)).reason?.detail).toMatch(/"home" is cordoned/);
    expect((await status(user, id)).reason.code).toBe('no_runner');
    await change('home', 'uncordon');
    expect((await runner.launch(id)).epoch).toBe(2);
  });

  it('drains a runner: idle sessions leave at once, the others after their turn, with what waits for them', async () => {
    const user = new User();
    const shared = { storage: storage('shared'), protocol: PROTOCOL };
    const runner = await FakeRunner.connect('leaving', shared);
    const [idle, busy] = [await user.createSession(), await user.createSession()];
    const parked = await runner.start(idle);
    const works = await runner.start(busy);
    await user.call('POST', `/sessions/${busy}/chat`, { prompt: 'one' });
    const { message_id } = await works.prompt();
    expect((await change('leaving', 'drain')).body).toMatchObject({ state: 'draining', cordoned: true });
    expect(await runner.control.next(({ kind }) => kind === 'drain')).toMatchObject({ on: true });
    runner.send({ kind: 'draining', on: true });
    expect((await runner.control.next(({ kind }) => kind === 'stop')).session_id).toBe(idle);
    expect(await status(user, idle)).toMatchObject({ status: 'stopped', reason: { code: 'runner_draining' } });
    await runner.end(parked, 'stopped_by_user');

    // A message that comes meanwhile waits for another runner.
    await user.call('POST', `/sessions/${busy}/chat`, { prompt: 'two' });
    expect((await status(user, busy)).status).toBe('running');
    works.result(message_id, 'done');
    expect((await runner.control.next(({ kind }) => kind === 'stop')).session_id).toBe(busy);
    expect(await status(user, busy)).toMatchObject({ status: 'queued', reason: { code: 'runner_draining' } });
    await runner.end(works, 'stopped_by_user');
    await runner.report(busy, { storage: 'shared', version: works.launch.files.version });
    const other = await FakeRunner.connect('staying', shared);
    const moved = await other.start(busy);
    expect((await moved.prompt()).prompt).toBe('two');

    // It comes back as it was: the operator has not taken it back.
    runner.control.close();
    const again = await FakeRunner.reconnect('leaving', [], shared);
    expect(await again.runner.control.next(({ kind }) => kind === 'drain')).toMatchObject({ on: true });
    await change('leaving', 'uncordon');
    expect(await again.runner.control.next(({ kind }) => kind === 'drain')).toMatchObject({ on: false });
  });

  it('is told of a runner that is too old to be drained', async () => {
    await FakeRunner.connect('last-release');
    expect(await change('last-release', 'drain')).toMatchObject({ status: 409, body: { code: 'runner_outdated' } });
    expect(await shown('last-release')).toMatchObject({ state: 'connected', protocol: 1 });
  });
});

describe('labels', () => {
  it('a session waits for a runner that has them, says which nobody has, and so do its children', async () => {
    const user = new User();
    const plain = await FakeRunner.connect('plain');
    const labels = { gpu: 'yes' };
    const id = await user.createSession({ runner: { labels } });
    await expect.poll(async () => (await status(user, id)).reason?.detail).toMatch(/gpu=yes.*RUNNER_LABELS/);
    const { body } = await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'x' });
    expect((await status(user, body.child_session_id)).config.runner).toEqual({ labels });
    expect(plain.control.unread(({ kind }) => kind === 'launch')).toBe(0);
    const fitting = await FakeRunner.connect('gpu', { labels: { gpu: 'yes', zone: 'b' } });
    const launch = await fitting.launch(id);
    // A runner of the last release takes no setting that it does not know.
    expect(launch.config).not.toHaveProperty('runner');
    expect((await fitting.launch(body.child_session_id)).labels).toEqual(labels);
    const wrong = await user.call('POST', '/sessions', { config: { runner: { labels: { 'a b': 'c' } } } });
    expect(wrong.status).toBe(422);
  });

  it('a fork goes where its source could, though others have room and see its files', async () => {
    const user = new User();
    const labels = { gpu: 'yes' };
    const sees = { storage: storage('shared') };
    const plain = await FakeRunner.connect('plain', sees);
    const fitting = await FakeRunner.connect('gpu', { ...sees, labels });
    const id = await user.createSession({ runner: { labels } });
    const container = await fitting.start(id);
    await user.call('POST', `/sessions/${id}/stop`);
    await fitting.end(container, 'stopped_by_user');
    await fitting.report(id, { storage: 'shared', version: container.launch.files.version });
    fitting.control.close();
    const { body } = await user.call('POST', `/sessions/${id}/fork`, {});
    expect((await status(user, body.session_id)).config.runner).toEqual({ labels });
    await expect
      .poll(async () => (await status(user, body.session_id)).reason?.detail)
      .toMatch(/gpu=yes.*RUNNER_LABELS/);
    expect(plain.control.unread(({ kind }) => kind === 'launch')).toBe(0);
    const again = await FakeRunner.connect('gpu-2', { ...sees, labels });
    expect((await again.launch(body.session_id)).labels).toEqual(labels);
  });
});

describe('a runner that builds', () => {
  it('is told from one that does not', async () => {
    await FakeRunner.connect('builder', { environments: true });
    await FakeRunner.connect('plain');
    expect((await shown('builder')).environments).toBe(true);
    expect((await shown('plain')).environments).toBe(false);
  });
});

describe('a runner of another version', () => {
  it('that is one ahead works: what is not known of it is counted and passed over', async () => {
    const user = new User();
    const runner = await FakeRunner.connect('next', { protocol: PROTOCOL + 1 });
    runner.control.send({ kind: 'of_next_year', more: 1 });
    runner.control.send({ kind: 'draining', on: false, why: 'x' });
    expect((await runner.launch(await user.createSession())).epoch).toBe(1);
    await expect.poll(async () => (await shown('next')).unknown_frames).toBe(2);
    expect((await pool().health()).runners).toMatchObject([{ unknown_frames: 2 }]);
    const metrics = await request('/metrics', {
      headers: { authorization: `Bearer ${await mint('prometheus', { claims: { scope: 'admin' } })}` },
    });
    expect(metrics.body).toMatch(/^cc_docker_unknown_frames_total\{from="runner"\} \d/m);
  });

  it('that says nothing else is ended', async () => {
    const runner = await FakeRunner.connect('noise', { protocol: PROTOCOL + 1 });
    for (let sent = 0; sent <= MAX_UNKNOWN_PER_MINUTE; sent++) runner.control.send({ kind: 'noise' });
    expect(await runner.control.closed()).toMatchObject({ code: 4429 });
  });

  it('that is two apart is refused with a sentence that says what to upgrade', async () => {
    const socket = await dial('/control', await runnerToken('far'));
    const fine = { ok: true, detail: 'fine' };
    const hello = {
      kind: 'hello',
      version: '0',
      backend: 'process',
      health: fine,
      labels: {},
      capacity: 1,
      running: [],
    };
    socket.send({ ...hello, storage: storage('x'), protocol: PROTOCOL + 2 });
    expect(await socket.closed()).toMatchObject({ code: 4403, reason: expect.stringContaining('upgrade the edge') });
  });

  it('has notices in its containers that this edge does not know: they are in the log, and nothing is lost around them', async () => {
    const user = new User();
    const runner = await FakeRunner.connect('image', { protocol: PROTOCOL });
    const id = await user.createSession();
    const container = await runner.start(id);
    container.data.send({ kind: 'of_next_year', more: 1 });
    container.say({ type: 'system', n: 1 }, { notice: 'of_next_year', more: 1 }, { type: 'system', n: 2 });
    container.data.send({ kind: 'host', first: 1, notices: [{ host_notice: 'of_next_year' }] });
    await container.stored();
    expect(await container.data.next(({ kind, stored }) => kind === 'host_ack' && stored === 1)).toBeDefined();
    const { body } = await user.call('GET', `/sessions/${id}/events`);
    const refused = body.data.filter(({ type }: { type: string }) => type === 'session.notice_refused');
    expect(refused.map(({ data }: { data: { detail: string } }) => data.detail)).toEqual([
      expect.stringContaining('image is newer'),
      expect.stringContaining('runner is newer'),
    ]);
    expect(body.data.filter(({ data }: { data: { n?: number } }) => data.n !== undefined)).toHaveLength(2);
    for (let sent = 0; sent <= MAX_UNKNOWN_PER_MINUTE; sent++) container.data.send({ kind: 'noise' });
    expect(await container.data.closed()).toMatchObject({ code: 4429 });
  });
});
