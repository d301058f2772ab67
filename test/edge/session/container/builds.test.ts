import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Directory } from '../../../../durable/directory/directory.ts';
import type { EnvironmentBuild } from '../../../../protocol/api/environment.ts';
import type { RunnerNotice } from '../../../../protocol/link/runner-notice.ts';
import { User } from '../../support/api.ts';
import { withSettings } from '../../support/directory.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer, FakeRunner } from '../../support/runner.ts';
import { show } from '../../support/scene.ts';

beforeEach(emptyPool);

let ids = 0;
/** As a runner makes them: in the order of their time. */
const buildId = () => `01939f5a-0000-7000-8000-${(++ids).toString(16).padStart(12, '0')}`;

/** A session that waits for the build of its environment, and the runner's end of its link. */
class Building {
  readonly #container: FakeContainer;
  readonly of: { readonly build_id: string; readonly environment: string; readonly revision: string | null };
  #next = 1;

  constructor(container: FakeContainer, build_id: string) {
    this.#container = container;
    const { environment } = container.launch;
    if (environment === undefined) throw new Error('there is nothing to build');
    this.of = { build_id, environment: environment.name, revision: environment.revision };
  }

  async say(...notices: RunnerNotice[]): Promise<void> {
    this.#container.data.send({ kind: 'host', first: this.#next, notices });
    this.#next += notices.length;
    await this.#container.data.next(({ kind, stored }) => kind === 'host_ack' && stored === this.#next - 1);
  }

  start = () => this.say({ host_notice: 'build_started', ...this.of, started_at: '2026-11-30T12:00:00.000Z' });
  write = (at: number, text: string) => this.say({ host_notice: 'build_output', ...this.of, at, text });
  ready = (cached = false) => this.say({ host_notice: 'build_ready', ...this.of, cached, ms: 7000, bytes: 1234 });
  fail = (output: string) =>
    this.say({
      host_notice: 'build_failed',
      ...this.of,
      ms: 7000,
      reason: { code: 'environment_failed', detail: 'Line 2 of setup ended with code 100: apt-get install -y nope' },
      line: 2,
      output,
    });
}

async function scene(user = new User(), name = 'tools') {
  await user.call('PUT', `/environments/${name}`, { setup: 'true\napt-get install -y nope\n' });
  const runner = await FakeRunner.connect(undefined, { backend: 'docker', environments: true });
  return { user, runner, begin: (build_id: string) => begin(user, runner, name, build_id) };
}

async function begin(user: User, runner: FakeRunner, environment: string, build_id: string) {
  const id = await user.createSession({ environment });
  const container = await FakeContainer.connect(await runner.launch(id));
  return { id, container, build: new Building(container, build_id) };
}

const builds = async (user: User): Promise<EnvironmentBuild[]> =>
  (await user.call('GET', '/environments/tools/builds')).body.data;
const log = async (user: User, id: string) => (await user.call('GET', `/environments/tools/builds/${id}`)).body;

describe('a build that a session waits for', () => {
  it('shows in its log and live to who watches, and is kept with all that it wrote', async () => {
    const { user, runner, begin } = await scene();
    const build_id = buildId();
    const { id, build, container } = await begin(build_id);
    const viewer = await user.open(id, '?after=0');
    const seed = await user.open(id, '');
    await build.start();
    await build.say({ host_notice: 'waiting', reason: { code: 'environment_building', detail: 'tools is built' } });
    expect(await show(user, id)).toMatchObject({ status: 'starting', reason: { code: 'environment_building' } });
    await build.write(0, 'Reading package lists…\n');
    const shown = (await viewer.events(({ type }) => type === 'environment.output')).at(-1);
    expect(shown).toMatchObject({ data: { build_id, at: 0, text: 'Reading package lists…\n' } });
    expect(shown).not.toHaveProperty('seq');
    const plain = await seed.next(({ type }) => type === 'environment.output');
    expect(plain).toEqual({ type: 'environment.output', build_id, at: 0, text: 'Reading package lists…\n' });
    await expect
      .poll(() => builds(user))
      .toMatchObject([{ build_id, state: 'building', runner: runner.name, session_id: id }]);

    await build.write(23, 'Setting up…\n');
    await build.ready();
    container.say({ notice: 'ready', claude_version: '2.1.330' });
    await container.stored();
    expect(await show(user, id)).toMatchObject({ status: 'idle', reason: null });
    await expect.poll(async () => (await log(user, build_id)).state).toBe('ready');
    expect(await log(user, build_id)).toMatchObject({
      log: 'Reading package lists…\nSetting up…\n',
      output_size: 35,
      image_bytes: 1234,
      started_at: '2026-11-30T12:00:00.000Z',
    });
    expect((await user.call('GET', '/environments/tools')).body.last_build).toMatchObject({ build_id, state: 'ready' });
    const events = (await user.events(id)).filter(({ type }) => type === 'environment.build');
    expect(events.map(({ data }) => data['state'])).toEqual(['building', 'ready']);
  });

  it('fails with the line and the end of its output; the messages that waited fail with that reason', async () => {
    const { user, runner, begin } = await scene();
    const build_id = buildId();
    const { id, build, container } = await begin(build_id);
    const { body } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'hi', stream: true });
    await build.start();
    await build.write(0, 'E: Unable to locate package nope\n');
    await build.fail('E: Unable to locate package nope\n');
    const { epoch } = container.launch;
    const reason = { code: 'environment_failed', detail: 'Line 2 of setup ended with code 100' } as const;
    runner.send({ kind: 'ended', session_id: id, epoch, reason });
    await runner.control.next(({ kind }) => kind === 'ended_ack');
    expect(await show(user, id)).toMatchObject({ status: 'failed', reason });
    const message = await user.call('GET', `/sessions/${id}/messages/${body.message_id}`);
    expect(message.body).toMatchObject({ status: 'failed', error: { code: 'environment_failed' } });
    const failed = (await user.events(id)).findLast(({ type }) => type === 'environment.build');
    expect(failed?.data).toMatchObject({ state: 'failed', line: 2, output: 'E: Unable to locate package nope\n' });
    await expect
      .poll(() => builds(user))
      .toMatchObject([{ state: 'failed', line: 2, reason: { code: 'environment_failed' } }]);
  });

  it('is one build, whichever sessions wait for it, and its output is there once', async () => {
    const { user, begin } = await scene();
    const build_id = buildId();
    const one = await begin(build_id);
    const two = await begin(build_id);
    await one.build.start();
    await one.build.write(0, 'one\n');
    await two.build.start();
    await two.build.write(0, 'one\ntwo\n');
    await one.build.write(4, 'two\n');
    await user.call('POST', `/sessions/${one.id}/stop`);
    await two.build.write(8, 'three\n');
    await two.build.ready();
    await expect.poll(async () => (await log(user, build_id)).state).toBe('ready');
    expect((await log(user, build_id)).log).toBe('one\ntwo\nthree\n');
    expect(await builds(user)).toHaveLength(1);
  });

  it('is no build that goes on when the session stops waiting, and a cached image is none at all', async () => {
    const { user, runner, begin } = await scene();
    const build_id = buildId();
    const { id, build, container } = await begin(build_id);
    await build.start();
    await user.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, 'stopped_by_user');
    await expect
      .poll(() => builds(user))
      .toMatchObject([{ build_id, state: 'failed', reason: { code: 'stopped_by_user' } }]);
    const cached = await begin(buildId());
    await cached.build.ready(true);
    const event = (await user.events(cached.id)).find(({ type }) => type === 'environment.build');
    expect(event?.data).toMatchObject({ state: 'ready', cached: true });
    expect(await builds(user)).toHaveLength(1);
  });

  it('is reported although the session is deleted while its reports cannot be sent', async () => {
    const { user, begin } = await scene();
    const build_id = buildId();
    const { id, build } = await begin(build_id);
    const unreachable = vi.spyOn(Directory.prototype, 'recordBuild');
    onTestFinished(() => unreachable.mockRestore());
    unreachable.mockImplementation(() => {
      throw new Error('of this test: the directory cannot be reached');
    });
    await build.start();
    await build.write(0, 'done\n');
    await build.ready();
    await expect.poll(() => unreachable.mock.calls.length).toBeGreaterThan(0);
    unreachable.mockRestore();
    expect((await user.call('DELETE', `/sessions/${id}`)).status).toBe(204);
    expect(await log(user, build_id)).toMatchObject({ state: 'ready', log: 'done\n' });
  });
});

const report = (user: User, build_id: string, ...updates: object[]) =>
  withSettings(user, {}, (directory) => {
    const started = { is: 'started', environment: 'tools', revision: null, started: 1000, runner: null };
    const all = [started, ...updates].map((update) => ({ build_id, ...update }));
    directory.recordBuild('01939f5a-7c1e-7000-8000-1a2b3c4d5e6f', all as never);
  });

const part = (n: number) => ({ is: 'output', at: n * 60_000, text: `<${n}>`.padEnd(60_000, '.') });

describe('of builds', () => {
  it('the newest 20 of each environment are kept, page by page, and none of one that is removed', async () => {
    const { user } = await scene();
    const all = Array.from({ length: 23 }, buildId);
    for (const id of all) await report(user, id, { is: 'output', at: 0, text: id });
    const first = (await user.call('GET', '/environments/tools/builds?limit=15')).body;
    const rest = (await user.call('GET', `/environments/tools/builds?limit=15&cursor=${first.next_cursor}`)).body;
    const shown = [...first.data, ...rest.data].map(({ build_id }: EnvironmentBuild) => build_id);
    expect(shown).toEqual(all.slice(3).toReversed());
    expect(rest.next_cursor).toBeNull();
    expect((await user.call('GET', `/environments/tools/builds/${all[0] ?? ''}`)).body.code).toBe('build_not_found');

    await user.call('DELETE', '/environments/tools');
    await withSettings(user, {}, (_, sql) => {
      for (const table of ['environment_builds', 'environment_build_output'])
        expect(sql.exec(`SELECT * FROM ${table}`).toArray()).toEqual([]);
    });
    await report(user, buildId());
    expect((await user.call('GET', '/environments/tools/builds')).status).toBe(404);
  });

  it('a long output keeps its beginning and its end, and says how much is left out', async () => {
    const { user } = await scene();
    const id = buildId();
    await report(user, id, ...Array.from({ length: 40 }, (_, n) => part(n)));
    await report(user, id, part(39), { is: 'output', at: 2_500_000, text: 'the end' });
    const { log: whole, output_size } = await log(user, id);
    expect(output_size).toBe(2_500_007);
    expect(whole.length).toBeLessThan(400_000);
    const text = whole.replaceAll(/\.+/g, '.');
    expect(text.startsWith('<0>')).toBe(true);
    expect(text).not.toContain('<20>');
    expect(text).toMatch(/characters are left out here …\n<39>/);
    expect(text).toMatch(/… 100000 characters are left out here …\nthe end$/);
  });
});
