import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { launch } from '../../../protocol/link/runner-control.ts';
import { dial, User } from '../support/api.ts';
import { emptyPool, pool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { runnerToken } from '../support/runner-token.ts';
import { evict } from '../support/setup/evict.ts';

/** Lets the pool believe that a runner has been away since `since`. */
async function awaySince(name: string, since: number): Promise<void> {
  await runInDurableObject(pool(), (_, ctx) => {
    const { json } = ctx.storage.sql.exec<{ json: string }>('SELECT json FROM runners WHERE name = ?', name).one();
    const row = JSON.stringify({ ...JSON.parse(json), away_since: since });
    ctx.storage.sql.exec('UPDATE runners SET json = ? WHERE name = ?', row, name);
  });
  await evict(pool());
}

const status = async (user: User, id: string) => (await user.call('GET', `/sessions/${id}`)).body;

/** The runner as its operator sees it. */
const seen = async (name: string) => {
  const { body } = await new User('root', { claims: { scope: 'admin' } }).call('GET', '/runners');
  return body.data.find((runner: { name: string }) => runner.name === name);
};

const FACTS = { resources: { memory_mb: 2048, cpus: 2, pids: 512, workspace_mb: null }, exposed_secrets: ['db'] };

beforeEach(emptyPool);

describe('the pool', () => {
  it('lets a session wait while no runner is there, says so, and gives it to the first that comes', async () => {
    const user = new User();
    const id = await user.createSession();
    await expect.poll(async () => (await status(user, id)).reason?.code).toBe('no_runner');
    const runner = await FakeRunner.connect();
    expect((await runner.launch(id)).epoch).toBe(1);
    await expect.poll(async () => (await status(user, id)).status).toBe('starting');
  });

  it('places nothing on a runner whose disk is nearly full, says why, and goes on when it has room', async () => {
    const user = new User();
    const runner = await FakeRunner.connect('small', { disk: { free_mb: 7, low: true } });
    const id = await user.createSession();
    await expect
      .poll(async () => (await status(user, id)).reason?.detail)
      .toMatch(/disk is nearly full.*"small" has 7 MB/);
    expect(await pool().health()).toMatchObject({ ok: false, runners: [{ disk: { free_mb: 7, low: true } }] });
    const fine = { ok: true, detail: 'fine' };
    runner.send({ kind: 'health', health: fine, storage: fine, disk: { free_mb: 9000, low: false } });
    expect((await runner.launch(id)).epoch).toBe(1);
  });

  it('says that it is full, and places who waited longest when a container has ended', async () => {
    const user = new User();
    const runner = await FakeRunner.connect(undefined, { capacity: 1 });
    const [first, second, third] = [await user.createSession(), await user.createSession(), await user.createSession()];
    const container = await runner.start(first);
    await expect.poll(async () => (await status(user, third)).reason?.code).toBe('pool_full');
    await user.call('POST', `/sessions/${first}/stop`);
    await runner.end(container, 'stopped_by_user');
    expect((await runner.launch(second)).session_id).toBe(second);
    expect((await status(user, third)).status).toBe('queued');
  });

  it('has as much to do for one more that waits, however many wait', async () => {
    const user = new User();
    const runner = await FakeRunner.connect(undefined, { capacity: 1 });
    await runner.start(await user.createSession());
    const ids = [await user.createSession(), await user.createSession(), await user.createSession()];
    for (const id of ids) await expect.poll(async () => (await status(user, id)).reason?.code).toBe('pool_full');
    const read = vi.spyOn(launch, 'parse');
    const last = await user.createSession();
    await expect.poll(async () => (await status(user, last)).reason?.code).toBe('pool_full');
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    expect(await pool().health()).toMatchObject({ waiting: 4, runners: [{ running: 1 }] });
  });

  it.each(['ended', 'removed'] as const)(
    'gives the place of a deleted session away once its runner says that its container is gone (%s)',
    async (says) => {
      const user = new User();
      const runner = await FakeRunner.connect(undefined, { capacity: 1 });
      const deleted = await user.createSession();
      await runner.start(deleted);
      expect((await user.call('DELETE', `/sessions/${deleted}`)).status).toBe(204);
      const next = await user.createSession();
      await expect.poll(async () => (await status(user, next)).reason?.code).toBe('pool_full');
      expect(runner.control.unread(({ kind }) => kind === 'launch')).toBe(0);
      const reason = { code: 'stopped_by_user', detail: 'It was deleted.' } as const;
      if (says === 'ended') runner.send({ kind: 'ended', session_id: deleted, epoch: 1, reason });
      else runner.send({ kind: 'removed', session_id: deleted });
      expect((await runner.launch(next)).session_id).toBe(next);
    },
  );

  it('has an idle session make room for one that waits, but none that works', async () => {
    const user = new User();
    const runner = await FakeRunner.connect(undefined, { capacity: 2 });
    const [idle, busy] = [await user.createSession(), await user.createSession()];
    const container = await runner.start(idle);
    await runner.start(busy);
    await user.call('POST', `/sessions/${busy}/chat`, { prompt: 'work' });
    const waiting = await user.createSession();
    const stop = await runner.control.next(({ kind }) => kind === 'stop');
    expect(stop.session_id).toBe(idle);
    expect(await status(user, idle)).toMatchObject({ status: 'stopped', reason: { code: 'made_room' } });
    await runner.end(container, 'stopped_by_user');
    expect((await runner.launch(waiting)).session_id).toBe(waiting);
    expect((await status(user, busy)).status).toBe('running');
  });

  it('gives a runner that comes back nothing before the two have said what runs and what is wanted', async () => {
    const user = new User();
    const { name, control } = await FakeRunner.connect();
    control.close();
    const socket = await dial('/control', await runnerToken(name));
    const id = await user.createSession();
    await expect.poll(async () => (await status(user, id)).reason?.code).toBe('no_runner');
    expect(socket.unread()).toBe(0);
    socket.close();
    const { runner } = await FakeRunner.reconnect(name, []);
    expect((await runner.launch(id)).epoch).toBe(1);
  });

  it('sends a launch that was lost on the way again, and wants what still runs', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const [lost, kept] = [await user.createSession(), await user.createSession()];
    await runner.launch(lost);
    await runner.launch(kept);
    runner.send({ kind: 'started', session_id: kept, epoch: 1, ...FACTS });
    runner.control.close();
    const unknown = { session_id: crypto.randomUUID(), epoch: 1 };
    const again = await FakeRunner.reconnect(runner.name, [{ session_id: kept, epoch: 1 }, unknown]);
    expect(again.welcome.wanted).toEqual([{ session_id: kept, epoch: 1 }]);
    expect((await again.runner.launch(lost)).epoch).toBe(1);
  });

  it('asks a runner that has come back without a container how that one ended', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    const container = await runner.start(id);
    runner.send({ kind: 'started', session_id: id, epoch: 1, ...FACTS });
    await expect.poll(async () => (await status(user, id)).status).toBe('idle');
    runner.control.close();
    const again = await FakeRunner.reconnect(runner.name, []);
    expect(await again.runner.control.next(({ kind }) => kind === 'stop')).toMatchObject({ session_id: id, epoch: 1 });
    await again.runner.end(container, 'out_of_memory');
    expect(await status(user, id)).toMatchObject({ status: 'failed', reason: { code: 'out_of_memory' } });
  });

  it('shows how a container is limited, and which secrets are in it', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    await runner.start(id);
    expect(await status(user, id)).toMatchObject({ resources: null, exposed_secrets: [] });
    runner.send({ kind: 'started', session_id: id, epoch: 1, ...FACTS });
    await expect.poll(async () => (await status(user, id)).resources).toEqual(FACTS.resources);
    expect((await status(user, id)).exposed_secrets).toEqual(['db']);
  });

  it('gives up what a runner ran that stays away, and not before its time', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    await runner.start(id);
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    await expect.poll(async () => (await status(user, id)).status).toBe('running');
    runner.control.close();
    await expect.poll(async () => (await pool().health()).runners.length).toBe(0);
    await runDurableObjectAlarm(pool());
    expect((await status(user, id)).status).toBe('running');
    await awaySince(runner.name, Date.now() - 61_000);
    await runDurableObjectAlarm(pool());
    expect((await answer).body).toMatchObject({ status: 'failed', error: { code: 'runner_lost' } });
    expect(await status(user, id)).toMatchObject({ status: 'failed', reason: { code: 'runner_lost' } });
  });

  it('wakes a session on the runner that has its files, and waits for that one', async () => {
    const user = new User();
    const home = await FakeRunner.connect(undefined, { capacity: 1 });
    const id = await user.createSession();
    const container = await home.start(id);
    await FakeRunner.connect();
    await user.call('POST', `/sessions/${id}/stop`);
    await home.end(container, 'stopped_by_user');
    home.control.close();
    await expect.poll(async () => (await pool().health()).runners.length).toBe(1);
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
    await expect.poll(async () => (await status(user, id)).reason?.detail).toContain(home.name);
    const back = await FakeRunner.reconnect(home.name, []);
    expect(await back.runner.launch(id)).toMatchObject({ epoch: 2, resume: true });
  });

  it('has the files of a deleted session removed when its runner can be reached again', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    await runner.start(id);
    runner.control.close();
    await user.call('DELETE', `/sessions/${id}`);
    const again = await FakeRunner.reconnect(runner.name, [{ session_id: id, epoch: 1 }]);
    expect(again.welcome.wanted).toEqual([]);
    expect(await again.runner.control.next(({ kind }) => kind === 'remove')).toEqual({
      kind: 'remove',
      session_id: id,
    });
    again.runner.send({ kind: 'removed', session_id: id });
    again.runner.control.close();
    const last = await FakeRunner.reconnect(runner.name, []);
    expect(last.runner.control.unread(({ kind }) => kind === 'remove')).toBe(0);
  });

  it('gives nothing to a runner that drains', async () => {
    const user = new User();
    const leaving = await FakeRunner.connect();
    leaving.send({ kind: 'draining' });
    await expect.poll(async () => (await pool().health()).runners[0]?.draining).toBe(true);
    const id = await user.createSession();
    await expect.poll(async () => (await status(user, id)).reason?.code).toBe('no_runner');
  });

  it('gives a session to a runner whose engine is down only when there is no other', async () => {
    const user = new User();
    const sick = await FakeRunner.connect(undefined, { health: { ok: false, detail: 'The Docker engine is down.' } });
    const well = await FakeRunner.connect();
    const first = await user.createSession();
    expect((await well.launch(first)).session_id).toBe(first);
    well.send({ kind: 'draining' });
    await expect.poll(async () => (await pool().health()).runners.some(({ draining }) => draining)).toBe(true);
    const second = await user.createSession();
    expect((await sick.launch(second)).session_id).toBe(second);
  });

  it('serves the owner who has least, and tells each that waits how many come before it', async () => {
    const [many, few] = [new User(), new User()];
    const runner = await FakeRunner.connect(undefined, { capacity: 2 });
    const places = [await many.createSession(), await many.createSession()];
    const containers = [await runner.start(places[0] ?? ''), await runner.start(places[1] ?? '')];
    for (const id of places) await many.call('POST', `/sessions/${id}/chat`, { prompt: 'work' });
    const [next, last] = [await many.createSession(), await many.createSession()];
    await expect.poll(async () => (await status(many, last)).reason?.detail).toContain('One session comes before it.');
    const one = await few.createSession();
    await expect.poll(async () => (await status(few, one)).reason?.detail).toContain('It is the next.');
    await expect.poll(async () => (await status(many, last)).reason?.detail).toContain('Two sessions come before it.');
    await many.call('POST', `/sessions/${places[0]}/stop`);
    await runner.end(containers[0] ?? (await runner.start('none')), 'stopped_by_user');
    expect((await runner.launch(one)).session_id).toBe(one);
    await expect.poll(async () => (await status(many, next)).reason?.detail).toContain('It is the next.');
    // One that waits no more makes room in the queue.
    await many.call('POST', `/sessions/${next}/stop`);
    await expect.poll(async () => (await status(many, last)).reason?.detail).toContain('It is the next.');
  });

  it('tells many that wait in rounds, and each hears of it', async () => {
    const user = new User();
    const runner = await FakeRunner.connect(undefined, { capacity: 1 });
    await runner.start(await user.createSession());
    const owners = Array.from({ length: 60 }, () => new User());
    const waiting = await Promise.all(owners.map(async (owner) => ({ owner, id: await owner.createSession() })));
    const last = waiting.at(-1) ?? expect.fail();
    const detail = async () => (await status(last.owner, last.id)).reason?.detail;
    await expect.poll(detail).toMatch(/all 1 places.*sessions come before it/);
    runner.control.close();
    await expect.poll(detail).toMatch(/no runner is connected/);
  });

  it('counts what a session asks of the machine, and says what is not left', async () => {
    const user = new User();
    const room = { cpus: 8, memory_mb: 4096 };
    const runner = await FakeRunner.connect('sized', { capacity: 4, resources: { total: room, session: room } });
    const large = await user.createSession({ resources: { memory_mb: 3500 } });
    await runner.start(large);
    await user.call('POST', `/sessions/${large}/chat`, { prompt: 'work' });
    const second = await user.createSession({ resources: { memory_mb: 1024 } });
    await expect
      .poll(async () => (await status(user, second)).reason?.detail)
      .toMatch(/none of 1 runner.*1024 MB of memory.*It is the next/);
    const small = await user.createSession({ resources: { memory_mb: 512 } });
    expect((await runner.launch(small)).session_id).toBe(small);
    expect(await seen('sized')).toMatchObject({
      resources: { total: room, used: { memory_mb: 4012, cpus: 4 } },
      running: 2,
      free: 2,
    });
  });

  it('leaves a runner alone for a while that is lost again and again, if there is another', async () => {
    const user = new User();
    let flaps = await FakeRunner.connect('flaps');
    for (let lost = 0; lost < 4; lost++) {
      expect((await seen('flaps')).rests_until).toBeNull();
      flaps.control.close();
      await expect.poll(async () => (await seen('flaps')).state).toBe('away');
      flaps = (await FakeRunner.reconnect('flaps', [])).runner;
      await expect.poll(async () => (await seen('flaps')).state).toBe('connected');
    }
    expect(Date.parse((await seen('flaps')).rests_until) - Date.now()).toBeGreaterThan(10_000);
    // It is the only one.
    const first = await user.createSession();
    await flaps.launch(first);
    const steady = await FakeRunner.connect(undefined, { capacity: 1 });
    const second = await user.createSession();
    expect((await steady.launch(second)).session_id).toBe(second);
    const third = await user.createSession();
    await expect.poll(async () => (await status(user, third)).reason?.code).toBe('pool_full');
    await evict(pool());
    expect((await seen('flaps')).rests_until).not.toBeNull();
  });

  it('opens what an earlier version stored: those that wait go on', async () => {
    const user = new User();
    const id = await user.createSession({ resources: { cpus: 0.5 }, runner: { labels: { gpu: 'yes' } } });
    await expect.poll(async () => (await status(user, id)).reason?.code).toBe('no_runner');
    await runInDurableObject(pool(), (_, { storage: { sql } }) => {
      sql.exec('ALTER TABLE places DROP COLUMN since');
      sql.exec('UPDATE schema_version SET version = 1');
    });
    await evict(pool());
    expect((await pool().health()).waiting).toBe(1);
    await FakeRunner.connect('plain');
    const fitting = await FakeRunner.connect('gpu', { labels: { gpu: 'yes' } });
    expect((await fitting.launch(id)).config.resources).toEqual({ cpus: 0.5 });
  });

  it('closes a control socket that does not speak the protocol', async () => {
    const runner = await FakeRunner.connect();
    // A kind that is not known is passed over: the runner may be newer.
    runner.control.send({ kind: 'gossip' });
    runner.control.send({ kind: 'ended' });
    expect(await runner.control.closed()).toMatchObject({ code: 4400, reason: 'not a frame of the control socket' });
  });

  it('answers heartbeats', async () => {
    const runner = await FakeRunner.connect();
    runner.control.send('{"kind":"heartbeat"}');
    expect(await runner.control.next()).toEqual({ kind: 'heartbeat' });
  });
});
