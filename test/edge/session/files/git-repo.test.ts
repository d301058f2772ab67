import { beforeEach, describe, expect, it } from 'vitest';
import { useSettings } from '../../support/edge-settings.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer } from '../../support/runner.ts';
import { park, parkSaved, ran, sharing, show, wake } from '../../support/scene.ts';

beforeEach(emptyPool);

const ephemeral = (git: object) => ({ workspace: { type: 'ephemeral', ...git } });

describe('a repository', () => {
  it('is taken in the forms that git users type, and its session shows what was typed', async () => {
    const user = new User();
    const runner = await sharing();
    for (const git_repo of ['git@github.com:o/r.git', 'o/r', 'github.com/o/r', 'ssh://git@github.com/o/r.git']) {
      const created = await user.call('POST', '/sessions', ephemeral({ git_repo, git_branch: 'refs/pull/1/head' }));
      expect([git_repo, created.status]).toEqual([git_repo, 201]);
      const id = created.body.session_id;
      const workspace = { type: 'ephemeral', git_repo, git_branch: 'refs/pull/1/head' };
      expect((await show(user, id)).workspace).toEqual(workspace);
      expect((await runner.launch(id)).workspace).toEqual(workspace);
      await user.call('DELETE', `/sessions/${id}`);
    }
  });

  it('that is none is refused in a sentence that says what is', async () => {
    const user = new User();
    for (const git_repo of [
      '',
      'https://',
      'r',
      '/srv/r',
      'file:///srv/r',
      'ext::sh -c id',
      '--upload-pack=id',
      'a/b/c',
    ]) {
      const answer = await user.call('POST', '/sessions', ephemeral({ git_repo }));
      expect([git_repo, answer.status, answer.body.code]).toEqual([git_repo, 422, 'invalid_request']);
      expect(answer.body.detail).toMatch(/^workspace\.git_repo: must name a repository: https:\/\/HOST\/PATH/);
    }
    const secret = await user.call('POST', '/sessions', ephemeral({ git_repo: 'https://me:canary@github.com/o/r' }));
    expect([secret.status, JSON.stringify(secret.body).includes('canary')]).toEqual([422, false]);
    expect(secret.body.detail).toContain('config.secrets');
  });

  it('that is asked for again with the same key is the same session', async () => {
    const user = new User();
    const key = { 'idempotency-key': crypto.randomUUID() };
    const body = ephemeral({ git_repo: 'git@github.com:o/r.git', git_depth: 1, git_submodules: false });
    const first = await user.call('POST', '/sessions', body, key);
    expect((await user.call('POST', '/sessions', body, key)).body.session_id).toBe(first.body.session_id);
  });

  it('is cloned once: what it lacks is in the log, and the next launch asks for nothing', async () => {
    const user = new User();
    const runner = await sharing();
    const { session_id: id } = (await user.call('POST', '/sessions', ephemeral({ git_repo: 'o/r', git_depth: 1 })))
      .body;
    const container = await FakeContainer.connect(await runner.launch(id));
    const repo = 'https://github.com/o/r';
    const left_out = [{ path: 'vendor/x', why: 'submodule: fatal: not found' }];
    container.say(
      { notice: 'cloning', repo },
      { notice: 'cloned', repo, commit: 'abc', ms: 5, left_out, left_out_count: 7 },
      { notice: 'ready', claude_version: '2.1.330' },
    );
    await container.stored();
    const cloned = (await user.events(id)).find(({ type }) => type === 'workspace.cloned');
    expect(cloned?.data).toEqual({ epoch: 1, repo, commit: 'abc', ms: 5, left_out, left_out_count: 7 });
    await parkSaved({ user, runner, id, container });
    await wake(user, id);
    expect((await runner.launch(id)).workspace).toEqual({ type: 'ephemeral' });
  });

  it('may be one of several, each in its folder: what became of each is in the log, and all are cloned once', async () => {
    const user = new User();
    const runner = await sharing();
    const git = [{ repo: 'o/web' }, { repo: 'o/api', path: 'libs/api', branch: 'v1' }];
    const { session_id: id } = (await user.call('POST', '/sessions', ephemeral({ git }))).body;
    const launch = await runner.launch(id);
    expect(launch.workspace).toEqual({ type: 'ephemeral', git });
    const container = await FakeContainer.connect(launch);
    const web = { repo: 'https://github.com/o/web', path: 'web' };
    const api = { repo: 'https://github.com/o/api', path: 'libs/api' };
    container.say(
      { notice: 'cloning', ...web },
      { notice: 'cloned', ...web, commit: 'abc', ms: 5, more: true },
      { notice: 'cloning', ...api },
      { notice: 'clone_skipped', ...api, detail: 'It has files.', after_clone: true },
      { notice: 'cloned', repo: 'https://github.com/o/else', path: 'else', commit: 'abc', ms: 5 },
      { notice: 'ready', claude_version: '2.1.330' },
    );
    await container.stored();
    const told = (await user.events(id)).filter(({ type }) => /^workspace\.|notice_refused/.test(type));
    expect(told.map(({ type, data }) => [type, data])).toMatchObject([
      ['workspace.cloning', web],
      ['workspace.cloned', { epoch: 1, ...web, commit: 'abc', ms: 5, left_out: [], left_out_count: 0 }],
      ['workspace.cloning', api],
      ['workspace.clone_skipped', { epoch: 1, ...api, detail: 'It has files.' }],
      ['session.notice_refused', { notice: 'cloned' }],
    ]);
    await parkSaved({ user, runner, id, container });
    await wake(user, id);
    expect((await runner.launch(id)).workspace).toEqual({ type: 'ephemeral' });
  });

  it('that is one of several, and fails, fails the launch; the next one asks for all of them again', async () => {
    const user = new User();
    const runner = await sharing();
    const git = [{ repo: 'o/web' }, { repo: 'o/api' }];
    const { session_id: id } = (await user.call('POST', '/sessions', ephemeral({ git }))).body;
    const { message_id } = (await user.call('POST', `/sessions/${id}/chat`, { prompt: 'x' })).body;
    const container = await FakeContainer.connect(await runner.launch(id));
    const web = { repo: 'https://github.com/o/web', path: 'web' };
    const api = { repo: 'https://github.com/o/api', path: 'api' };
    const detail = 'https://github.com/o/api was not cloned into "api": fatal: not found';
    container.say(
      { notice: 'cloned', ...web, commit: 'abc', ms: 5, more: true },
      { notice: 'clone_failed', ...api, detail },
    );
    await container.stored();
    await runner.end(container);
    const message = await user.call('GET', `/sessions/${id}/messages/${message_id}`);
    expect(message.body.error).toEqual({ code: 'clone_failed', detail });
    await wake(user, id);
    expect((await runner.launch(id)).workspace).toEqual({ type: 'ephemeral', git });
  });

  it('is brought to a persistent workspace with files too, which the runner is told; whatever became of it is told once', async () => {
    const first = await ran({ workspace: { type: 'persistent', id: 'site' } });
    const { user, runner } = first;
    const head = await parkSaved(first);
    const git = { type: 'persistent', id: 'site', git_repo: 'o/r' };
    for (const [notice, type] of [
      [{ notice: 'fetched', repo: 'https://github.com/o/r', commit: 'abc', ms: 5 }, 'workspace.fetched'],
      [{ notice: 'clone_skipped', repo: 'https://github.com/o/r', detail: 'It has files.' }, 'workspace.clone_skipped'],
    ] as const) {
      await expect.poll(async () => (await user.call('GET', '/workspaces/site')).body.held_by).toBeNull();
      const { session_id: id } = (await user.call('POST', '/sessions', { workspace: git })).body;
      const launch = await runner.launch(id);
      expect(launch).toMatchObject({ workspace: git, files: { workspace: head, start: head } });
      const container = await FakeContainer.connect(launch);
      container.say(notice, { notice: 'ready', claude_version: '2.1.330' });
      await container.stored();
      const { notice: _, ...data } = notice;
      expect((await user.events(id)).find((event) => event.type === type)?.data).toEqual({ epoch: 1, ...data });
      await park({ user, runner, id, container });
      await wake(user, id);
      expect((await runner.launch(id)).workspace).toEqual({ type: 'persistent', id: 'site' });
      await user.call('DELETE', `/sessions/${id}`);
    }
  });
});

const authorOf = async (user: User) => (await ran({}, user)).container.launch.git_author;

describe('the author of commits', () => {
  const claims = { name: 'Alice Liddell', email: 'alice@example.org' };

  it('is whom the token names, else the operator’s, else the owner', async () => {
    const alice = new User();
    expect(await authorOf(alice.withToken({ claims }))).toEqual(claims);
    expect(await authorOf(alice.withToken({ claims: { email: claims.email } }))).toEqual({
      ...claims,
      name: alice.name,
    });
    const owner = { name: alice.name, email: `${alice.name}@cc-docker` };
    expect(await authorOf(alice.withToken({ claims: { name: 5, email: ['x'] } }))).toEqual(owner);
    useSettings({ GIT_AUTHOR_NAME: 'Agents', GIT_AUTHOR_EMAIL: 'agents@example.org' });
    const operators = { name: 'Agents', email: 'agents@example.org' };
    expect(await authorOf(alice)).toEqual(operators);
    expect(await authorOf(alice.withToken({ claims }))).toEqual(claims);
  });

  it('is the same of a child, and of what wakes again', async () => {
    const scene = await ran({}, new User(undefined, { claims }));
    const { user, runner, id } = scene;
    // Whoever spawns it: a child is its parent's.
    const spawned = await user.withToken({}).call('POST', `/sessions/${id}/spawn`, { prompt: 'x' });
    expect((await runner.launch(spawned.body.child_session_id)).git_author).toEqual(claims);
    await park(scene);
    await wake(user, id);
    expect((await runner.launch(id)).git_author).toEqual(claims);
  });
});
