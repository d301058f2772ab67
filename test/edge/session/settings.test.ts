import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeContainer } from '../support/runner.ts';
import { park, parkSaved, ran, sessionObject, sharing, show, wake, type Ran } from '../support/scene.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

const patch = ({ user, id }: Ran, change: object) => user.call('PATCH', `/sessions/${id}`, change);

const changes = async ({ user, id }: Ran) =>
  (await user.events(id)).filter(({ type }) => type === 'session.settings').map(({ data }) => data);

/** The next change of a setting that the container is handed. */
async function handed({ data }: FakeContainer): Promise<object> {
  const kinds = ['set_model', 'set_permission_mode'];
  const frame = await data.next(({ kind, command }) => kind === 'command' && kinds.includes(command.command));
  data.send({ kind: 'taken', command: frame.number });
  return frame.command;
}

/** What the container says, stored. */
async function say({ container }: Ran, ...items: Parameters<FakeContainer['say']>): Promise<void> {
  container.say(...items);
  await container.stored();
}

const init = (permissionMode: string) => ({ type: 'system', subtype: 'init', permissionMode });
const status = (permissionMode: string) => ({ type: 'system', subtype: 'status', status: null, permissionMode });
const answered = (setting: 'model' | 'permission_mode', refused: string | null = null) =>
  ({ notice: 'setting_answered', setting, refused }) as const;

const modeOf = async ({ user, id }: Ran) => (await show(user, id)).permission_mode;

/** A person is asked to approve a plan, and decides. */
async function allow(scene: Ran, decision: string): Promise<void> {
  const interaction_id = crypto.randomUUID();
  const subject = { kind: 'permission', tool_name: 'ExitPlanMode', input: {}, can_allow_session: true } as const;
  await say(scene, { notice: 'asked', interaction_id, tool_use_id: 'toolu_1', subject });
  await scene.user.call('POST', `/sessions/${scene.id}/interactions/${interaction_id}/resolve`, { decision });
}

/** The command `/model`, as Claude Code repeats it. */
const command = (args: string) => ({
  type: 'user',
  message: {
    role: 'user',
    content: `<command-name>/model</command-name>\n<command-message>model</command-message>\n<command-args>${args}</command-args>`,
  },
  isReplay: true,
});

/** Parks the session, and starts it again. */
async function again(scene: Ran): Promise<Ran> {
  await park(scene);
  await wake(scene.user, scene.id);
  return { ...scene, container: await scene.runner.start(scene.id) };
}

const config = (config: object) => ran({ config });

describe('a change of the settings', () => {
  it('is shown, told to who watches and handed to the running container at once', async () => {
    const scene = await config({ permission_mode: 'ask', model: 'opus' });
    const before = await show(scene.user, scene.id);
    expect(before).toMatchObject({ model: 'opus', permission_mode: 'ask', title: null });
    const now = { model: 'haiku', permission_mode: 'accept_edits', title: 'the garden' };
    expect(await patch(scene, now)).toMatchObject({ status: 200, body: { ...now, config: before.config } });
    expect([await handed(scene.container), await handed(scene.container)]).toEqual([
      { command: 'set_model', model: 'haiku' },
      { command: 'set_permission_mode', permission_mode: 'accept_edits' },
    ]);
    expect(await changes(scene)).toEqual([now]);
  });

  it('holds for the next container', async () => {
    const scene = await config({ permission_mode: 'ask', model: 'opus' });
    await patch(scene, { model: 'haiku', permission_mode: 'plan' });
    const { container } = await again(scene);
    expect(container.launch.config).toMatchObject({ model: 'haiku', permission_mode: 'plan', max_turns: 100 });
  });

  it('of a parked session is only for its next container', async () => {
    const scene = await config({ model: 'opus' });
    await park(scene);
    expect((await patch(scene, { model: 'default', permission_mode: 'plan' })).status).toBe(200);
    await wake(scene.user, scene.id);
    const container = await scene.runner.start(scene.id);
    expect(container.launch.config).toMatchObject({ model: 'default', permission_mode: 'plan' });
    await container.prompt();
    expect(container.data.unread(({ kind }) => kind === 'command')).toBe(0);
  });

  it('while the container starts reaches its claude before the first prompt', async () => {
    const scene = await config({ permission_mode: 'ask' });
    await park(scene);
    await wake(scene.user, scene.id);
    const container = await FakeContainer.connect(await scene.runner.launch(scene.id));
    await patch(scene, { permission_mode: 'plan', model: 'haiku' });
    expect(container.launch.config.permission_mode).toBe('ask');
    container.say({ notice: 'ready', claude_version: '2.1.330' });
    const commands = [];
    for (let n = 0; n < 3; n += 1) commands.push((await container.data.next(({ kind }) => kind === 'command')).command);
    expect(commands.map(({ command }) => command)).toEqual(['set_model', 'set_permission_mode', 'prompt']);
  });

  it('to what it is already changes nothing', async () => {
    const scene = await config({ permission_mode: 'ask', model: 'opus' });
    await patch(scene, { model: 'opus', permission_mode: 'ask', title: null });
    expect(await changes(scene)).toEqual([]);
    await wake(scene.user, scene.id);
    await scene.container.prompt();
    expect(scene.container.data.unread(({ kind }) => kind === 'command')).toBe(0);
  });

  it('of the title or the model shows in the list, and a title of null is as it was created', async () => {
    const scene = await ran();
    const { child_session_id: child } = (
      await scene.user.call('POST', `/sessions/${scene.id}/spawn`, { prompt: 'work', title: 'given' })
    ).body;
    const listed = async () => {
      const { data } = (await scene.user.call('GET', '/sessions')).body;
      return data.find(({ session_id }: { session_id: string }) => session_id === child);
    };
    await scene.user.call('PATCH', `/sessions/${child}`, { title: 'renamed' });
    await expect.poll(listed).toMatchObject({ title: 'renamed', environment: null });
    await scene.user.call('PATCH', `/sessions/${child}`, { model: 'haiku' });
    await expect.poll(listed).toMatchObject({ model: 'haiku' });
    const { body } = await scene.user.call('PATCH', `/sessions/${child}`, { title: null });
    expect(body.title).toBe('given');
    await expect.poll(listed).toMatchObject({ title: 'given', model: 'haiku' });
  });

  it.each([
    [{}, 'must change something'],
    [{ model: '' }, 'must be a model name'],
    [{ model: null }, 'expected string'],
    [{ permission_mode: 'yolo' }, 'permission_mode'],
    [{ title: '' }, 'title'],
    [{ max_turns: 5 }, 'max_turns'],
  ])('that does not fit is refused: %j', async (change, words) => {
    const scene = await ran();
    const { status: code, body } = await patch(scene, change);
    expect([code, body.code]).toEqual([422, 'invalid_request']);
    expect(JSON.stringify(body)).toContain(words);
  });

  it('is the owner’s alone', async () => {
    const scene = await ran();
    expect((await patch({ ...scene, user: new User() }, { title: 'mine' })).body.code).toBe('session_not_found');
    expect((await show(scene.user, scene.id)).title).toBeNull();
  });

  it('goes together with a budget', async () => {
    const scene = await ran();
    const { body } = await patch(scene, { budget_usd: 3, title: 'dear' });
    expect(body).toMatchObject({ title: 'dear', config: { budget_usd: 3 } });
  });

  it('is refused as a whole when too many wait for the container', async () => {
    const scene = await config({ model: 'm0' });
    for (let n = 1; n <= 64; n += 1) expect((await patch(scene, { model: `m${n}` })).status).toBe(200);
    expect(await patch(scene, { model: 'm65', title: 'no' })).toMatchObject({
      status: 429,
      body: { code: 'queue_full' },
    });
    expect(await show(scene.user, scene.id)).toMatchObject({ model: 'm64', title: null });
  });
});

describe('a mode that the running claude cannot go to', () => {
  it.each([
    [{ permission_mode: 'ask' }, 'bypass'],
    [{ permission_mode: 'plan' }, 'bypass'],
    [{}, 'plan'],
    [{ allowed_tools: ['Read'] }, 'ask'],
    [{ allowed_tools: ['Read'] }, 'plan'],
  ])('is refused, with nothing changed, and taken once the session is stopped: %j to %s', async (created, to) => {
    const scene = await config(created);
    const refused = await patch(scene, { permission_mode: to, title: 'no' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'restart_required' } });
    expect(refused.body.detail).toContain('Stop the session');
    expect((await show(scene.user, scene.id)).title).toBeNull();
    await park(scene);
    expect(await patch(scene, { permission_mode: to })).toMatchObject({ status: 200, body: { permission_mode: to } });
    await wake(scene.user, scene.id);
    const container = await scene.runner.start(scene.id);
    expect(container.launch.config.permission_mode).toBe(to);
  });

  it('is told by the mode of its start, not by the present one', async () => {
    const scene = await config({});
    expect((await patch(scene, { permission_mode: 'ask' })).status).toBe(200);
    expect((await patch(scene, { permission_mode: 'bypass' })).status).toBe(200);
    await patch(scene, { permission_mode: 'ask' });
    const restarted = await again(scene);
    expect((await patch(restarted, { permission_mode: 'bypass' })).body.code).toBe('restart_required');
  });
});

describe('what the container says of its settings', () => {
  it('is told to who watches, and holds for the next container: the agent has begun to plan', async () => {
    const scene = await config({ permission_mode: 'ask' });
    await say(scene, init('default'), status('plan'));
    expect(await changes(scene)).toEqual([{ model: null, permission_mode: 'plan', title: null }]);
    expect((await again(scene)).container.launch.config.permission_mode).toBe('plan');
  });

  it.each([
    ['allow', 'default', 'ask'],
    ['allow_session', 'acceptEdits', 'accept_edits'],
    ['deny', 'default', 'plan'],
    ['allow', 'bypassPermissions', 'plan'],
  ])('is believed as far as a person allowed it: %s, then %s', async (decision, claim, mode) => {
    const scene = await config({ permission_mode: 'plan' });
    await wake(scene.user, scene.id);
    await scene.container.prompt();
    await allow(scene, decision);
    await say(scene, status(claim));
    expect(await modeOf(scene)).toBe(mode);
    expect((await again(scene)).container.launch.config.permission_mode).toBe(mode);
  });

  it('is not believed when nobody allowed more', async () => {
    const scene = await config({ permission_mode: 'plan' });
    await say(scene, status('acceptEdits'), init('bypassPermissions'), status('default'));
    expect(await modeOf(scene)).toBe('plan');
    expect(await changes(scene)).toEqual([]);
  });

  it('is not believed when it goes back to what the owner has narrowed', async () => {
    const scene = await config({});
    await patch(scene, { permission_mode: 'ask' });
    await say(scene, answered('permission_mode'), init('bypassPermissions'));
    expect(await modeOf(scene)).toBe('ask');
  });

  it('before it has answered a change is older than that, whatever happens to the object meanwhile', async () => {
    const scene = await config({ permission_mode: 'accept_edits', model: 'opus' });
    await patch(scene, { permission_mode: 'ask' });
    await patch(scene, { permission_mode: 'accept_edits' });
    await say(scene, init('plan'));
    await evict(sessionObject(scene.id));
    await say(scene, answered('permission_mode'), init('default'));
    expect(await modeOf(scene)).toBe('accept_edits');
    await say(scene, answered('permission_mode'), init('default'));
    expect(await modeOf(scene)).toBe('ask');
  });

  it('can be that it does not take a change: the setting is as before, and why is told', async () => {
    const scene = await config({ permission_mode: 'ask', model: 'opus' });
    await patch(scene, { model: 'one' });
    await patch(scene, { model: 'two', permission_mode: 'plan' });
    await say(scene, answered('model', 'not for you'), answered('permission_mode', 'not now'));
    expect(await show(scene.user, scene.id)).toMatchObject({ model: 'two', permission_mode: 'ask' });
    await say(scene, answered('model', 'nor this'), answered('model', 'nobody asked'));
    expect(await show(scene.user, scene.id)).toMatchObject({ model: 'opus' });
    expect((await changes(scene)).slice(2)).toMatchObject([
      { model: 'two', permission_mode: 'plan', refused: 'not for you' },
      { model: 'two', permission_mode: 'ask', refused: 'not now' },
      { model: 'opus', refused: 'nor this' },
      { model: 'opus', refused: 'nobody asked' },
    ]);
  });

  const set = { type: 'result', subtype: 'success', is_error: false, local_command: 'model' };

  it('can be another model, by the command /model', async () => {
    const scene = await config({ model: 'opus' });
    await say(scene, command('opusplan'), { ...set, result: 'Set model to `Opus in plan mode`' });
    expect(await changes(scene)).toEqual([{ model: 'opusplan', permission_mode: 'bypass', title: null }]);
    expect((await again(scene)).container.launch.config.model).toBe('opusplan');
  });

  it.each([
    ['nope', 'Unable to validate model'],
    ['', 'Current model: `Opus`'],
    ['--settings', 'Set model to `x`'],
  ])('is no other model when /model %j answers %s', async (args, result) => {
    const scene = await config({ model: 'opus' });
    await say(scene, command(args), { ...set, result });
    expect((await show(scene.user, scene.id)).model).toBe('opus');
  });
});

describe('what comes from a session whose settings have changed', () => {
  it('a child may do no more than its parent may now', async () => {
    const scene = await config({});
    await patch(scene, { permission_mode: 'ask', model: 'haiku' });
    const body = { prompt: 'work', config: { permission_mode: 'bypass' } };
    const refused = await scene.user.call('POST', `/sessions/${scene.id}/spawn`, body);
    expect(refused.body).toMatchObject({ code: 'child_too_wide' });
    const { child_session_id } = (await scene.user.call('POST', `/sessions/${scene.id}/spawn`, { prompt: 'x' })).body;
    expect((await show(scene.user, child_session_id)).config).toMatchObject({ permission_mode: 'ask', model: 'haiku' });
  });

  it('a fork begins with the present ones', async () => {
    const scene = await ran({}, new User(), await sharing());
    await patch(scene, { permission_mode: 'ask', model: 'haiku' });
    await parkSaved(scene);
    const fork = (await scene.user.call('POST', `/sessions/${scene.id}/fork`, {})).body.session_id;
    expect(await show(scene.user, fork)).toMatchObject({ permission_mode: 'ask', model: 'haiku' });
  });
});
