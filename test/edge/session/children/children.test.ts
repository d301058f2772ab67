import { env, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { SessionAssembly } from '../../../../durable/session/assembly.ts';
import { User } from '../../support/api.ts';
import { callTool, ofType, spawn, useTool } from './support/family.ts';
import { FakeRunner, storage } from '../../support/runner.ts';
import { ran as ranOn, parkSaved, sessionObject, SHARED, show, type Ran } from '../../support/scene.ts';

let room = 100;

/** A session that has run, on a runner with more room than those of the tests before, so that its children come there as well. */
async function ran(body: object = {}): Promise<Ran> {
  room += 100;
  const runner = await FakeRunner.connect(undefined, { storage: storage(SHARED), capacity: room });
  return ranOn(body, new User(), runner);
}

const NOBODY = '01900000-0000-7000-8000-000000000000';

const spawnCall = (input: object = {}) => ({ tool: 'spawn_session', input: { prompt: 'work', ...input } }) as const;

/** A child of `scene`'s session, its container there and its prompt handed on. */
async function child({ user, runner, id }: Ran, body: object = {}): Promise<Ran & { message: string }> {
  const childId = await spawn(user, id, body);
  const container = await runner.start(childId);
  const { message_id } = await container.prompt();
  return { user, runner, id: childId, container, message: message_id };
}

const news = async (user: User, id: string, type: string) => ofType(await user.events(id), type);

describe('a child', () => {
  test('is begun with a prompt, and knows its parent as its parent knows it', async () => {
    const { user, id } = await ran();
    const answer = await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'count', title: 'counter' });
    expect(answer.status).toBe(201);
    const { child_session_id: childId, ...rest } = answer.body;
    expect(rest).toMatchObject({ status: 'queued', parent_session_id: id, message_id: expect.any(String) });
    expect(rest.websocket_url).toContain(`/api/v1/sessions/${childId}/stream`);
    expect(await show(user, childId)).toMatchObject({ parent_session_id: id, title: 'counter', queued_messages: 1 });
    expect(await show(user, id)).toMatchObject({ parent_session_id: null, child_session_ids: [childId] });
    const { body } = await user.call('GET', `/sessions/${id}/children`);
    expect(body).toMatchObject({ data: [{ session_id: childId, title: 'counter' }], next_cursor: null });
    expect(await news(user, id, 'child.spawned')).toEqual([
      { child_session_id: childId, title: 'counter', message_id: rest.message_id },
    ]);
  });

  test('works as any session does, and its parent hears what becomes of it', async () => {
    const scene = await ran();
    const { user, id } = scene;
    const { id: childId, container, message } = await child(scene);
    container.result(message, 'forty-two');
    await expect.poll(() => news(user, id, 'child.result')).toHaveLength(1);
    expect(await news(user, id, 'child.result')).toEqual([
      {
        child_session_id: childId,
        message_id: message,
        status: 'completed',
        result: 'forty-two',
        error: null,
        duration_ms: 5,
        total_cost_usd: 0.25,
        usage: { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 7, cache_read_input_tokens: 9 },
      },
    ]);
    const statuses = await news(user, id, 'child.status');
    expect(statuses.map(({ status }) => status)).toEqual(['starting', 'running', 'idle']);
    const plain = await user.events(childId);
    expect(plain.some(({ type }) => type.startsWith('child.'))).toBe(false);
  });

  test('has its result told to a viewer that speaks the seed’s dialect', async () => {
    const scene = await ran();
    const socket = await scene.user.open(scene.id);
    const { container, message, id: childId } = await child(scene);
    container.result(message, 'forty-two');
    const told = await socket.next(({ type }) => type === 'child_result');
    expect(told).toMatchObject({ child_session_id: childId, status: 'completed', result: 'forty-two' });
  });

  test('that fails, or asks somebody, tells its parent, and a question goes up the whole line', async () => {
    const scene = await ran();
    const middle = await child(scene);
    const below = await child(middle);
    const interaction_id = crypto.randomUUID();
    below.container.say({
      notice: 'tool_call',
      call_id: interaction_id,
      call: { tool: 'ask_user', input: { question: 'Red?' } },
    });
    for (const { id } of [scene, middle]) {
      await expect.poll(() => news(scene.user, id, 'child.interaction')).toHaveLength(1);
      const [heard] = await news(scene.user, id, 'child.interaction');
      expect(heard).toMatchObject({ child_session_id: below.id, interaction_id, state: 'open' });
    }
    await scene.runner.end(below.container, 'out_of_memory');
    await expect.poll(() => news(scene.user, middle.id, 'child.result')).toHaveLength(1);
    const [result] = await news(scene.user, middle.id, 'child.result');
    expect(result).toMatchObject({ status: 'failed', result: null, error: { code: 'out_of_memory' } });
    expect(await news(scene.user, scene.id, 'child.result')).toEqual([]);
  });

  test('is the same one when its key comes again, and another one never', async () => {
    const { user, id } = await ran();
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const body = { prompt: 'once', callback: { type: 'webhook', url: 'https://hook.invalid/news' } };
    const first = await user.call('POST', `/sessions/${id}/spawn`, body, headers);
    const second = await user.call('POST', `/sessions/${id}/spawn`, body, headers);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toMatchObject({
      child_session_id: first.body.child_session_id,
      message_id: first.body.message_id,
      callback_secret: first.body.callback_secret,
    });
    const other = await user.call('POST', `/sessions/${id}/spawn`, { ...body, prompt: 'twice' }, headers);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect((await show(user, id)).child_session_ids).toHaveLength(1);
  });

  test('is nobody else’s business', async () => {
    const { user, id } = await ran();
    const childId = await spawn(user, id);
    const stranger = new User();
    const calls = [
      await stranger.call('POST', `/sessions/${id}/spawn`, { prompt: 'mine' }),
      await stranger.call('GET', `/sessions/${id}/children`),
      await stranger.call('GET', `/sessions/${id}/tree`),
      await stranger.call('PATCH', `/sessions/${childId}`, { budget_usd: 5 }),
      await user.call('POST', `/sessions/${NOBODY}/spawn`, { prompt: 'whose?' }),
    ];
    expect(calls.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  });

  test('may do less than its parent, and is refused more, with what would do', async () => {
    const { user, id } = await ran({ config: { permission_mode: 'ask', secrets: [] } });
    const wide = await user.call('POST', `/sessions/${id}/spawn`, {
      prompt: 'x',
      config: { permission_mode: 'bypass' },
    });
    expect([wide.status, wide.body.code]).toEqual([422, 'child_too_wide']);
    expect(wide.body.errors[0]).toMatchObject({ path: 'config.permission_mode' });
    const narrow = await spawn(user, id, { config: { permission_mode: 'plan' } });
    expect((await show(user, narrow)).config.permission_mode).toBe('plan');
    const unsaid = await spawn(user, id);
    expect((await show(user, unsaid)).config.permission_mode).toBe('ask');
  });

  test('may begin with its parent’s files', async () => {
    const scene = await ran();
    const snapshot = await parkSaved(scene);
    const childId = await spawn(scene.user, scene.id, { workspace: { type: 'clone' } });
    expect((await scene.runner.launch(childId)).workspace).toEqual({ type: 'ephemeral', snapshot });
  });
});

describe('a tree', () => {
  test('is shown with what each of it costs, alone and with all below', async () => {
    const scene = await ran({ config: { budget_usd: 9 } });
    const { user, id } = scene;
    const a = await child(scene, { title: 'a' });
    const b = await child(a, { config: { budget_usd: 3 } });
    const c = await child(scene);
    for (const one of [a, b, c]) one.container.result(one.message, 'done');
    for (const one of [a, b, c]) await one.container.stored();
    const { nodes, ...rest } = (await user.call('GET', `/sessions/${id}/tree`)).body;
    expect(rest).toMatchObject({ session_id: id, root_session_id: id, limits: { max_depth: 5 } });
    // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what came
    const short = nodes.map((one: any) => [one.session_id, one.depth, one.tree_cost_usd, one.budget_usd]);
    expect(short).toEqual([
      [id, 0, 0.75, 9],
      [a.id, 1, 0.5, null],
      [c.id, 1, 0.25, null],
      [b.id, 2, 0.25, 3],
    ]);
    const branch = (await user.call('GET', `/sessions/${a.id}/tree`)).body;
    expect(branch.root_session_id).toBe(id);
    // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what came
    expect(branch.nodes.map((one: any) => one.session_id)).toEqual([a.id, b.id]);
  });

  test('shows a child under the title that it has now, to people and to the agent', async () => {
    const scene = await ran();
    const { user, id } = scene;
    const one = await child(scene, { title: 'draft' });
    callTool(scene.container, { tool: 'get_child_result', input: { child_session_id: one.id } });
    await scene.container.stored();
    const titles = async () => {
      const { nodes } = (await user.call('GET', `/sessions/${id}/tree`)).body;
      const listed = (await user.call('GET', `/sessions/${id}/children`)).body.data;
      const seen = await useTool(scene.container, { tool: 'list_children', input: {} });
      return [nodes[1].title, listed[0].title, seen.structured.children[0].title];
    };
    for (const title of ['harbour', null]) {
      expect((await user.call('PATCH', `/sessions/${one.id}`, { title })).status).toBe(200);
      // As it was created, without one of its own.
      const shown = title ?? 'draft';
      await expect.poll(titles).toEqual([shown, shown, shown]);
    }
    await user.call('PATCH', `/sessions/${one.id}`, { title: 'quay' });
    await scene.runner.end(scene.container);
    one.container.result(one.message, 'done');
    expect((await (await scene.runner.start(id)).prompt()).prompt).toContain(`${one.id} (quay)`);
  });

  test('is no deeper than allowed', async () => {
    const scene = await ran();
    let id = scene.id;
    for (let depth = 1; depth <= 5; depth += 1) id = await spawn(scene.user, id);
    const deeper = await scene.user.call('POST', `/sessions/${id}/spawn`, { prompt: 'deeper' });
    expect([deeper.status, deeper.body.code]).toEqual([429, 'spawn_depth_exceeded']);
  });

  test('stops as one, however deep, and those below wake when they are spoken to', async () => {
    const scene = await ran();
    const { user } = scene;
    const middle = await child(scene);
    const below = await child(middle);
    const stopped = await user.call('POST', `/sessions/${scene.id}/stop`);
    expect(stopped.body.status).toBe('stopped');
    for (const { id } of [middle, below]) {
      expect(await show(user, id)).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' } });
    }
    await user.call('POST', `/sessions/${below.id}/chat`, { prompt: 'wake' });
    const statuses = await Promise.all([middle, below].map(async ({ id }) => (await show(user, id)).status));
    expect(statuses).toEqual(['stopped', 'queued']);
  });

  test('goes as one', async () => {
    const scene = await ran();
    const { user } = scene;
    const middle = await spawn(user, scene.id);
    const below = await spawn(user, middle);
    const sibling = await spawn(user, scene.id);
    expect((await user.call('DELETE', `/sessions/${middle}`)).status).toBe(204);
    expect((await user.call('GET', `/sessions/${below}`)).status).toBe(404);
    expect((await show(user, scene.id)).child_session_ids).toEqual([sibling]);
    expect(await news(user, scene.id, 'child.deleted')).toEqual([{ child_session_id: middle }]);
    expect((await user.call('DELETE', `/sessions/${scene.id}`)).status).toBe(204);
    expect((await user.call('GET', '/sessions')).body.data).toEqual([]);
  });
});

describe('an agent', () => {
  test('begins a child, and gets its result once there is one', async () => {
    const scene = await ran();
    const spawned = await useTool(scene.container, spawnCall({ title: 'one' }));
    expect(spawned.is_error).toBe(false);
    const { child_session_id, message_id } = spawned.structured;
    expect(JSON.parse(spawned.text)).toEqual(spawned.structured);
    const call_id = callTool(scene.container, { tool: 'get_child_result', input: { child_session_id } });
    const container = await scene.runner.start(child_session_id);
    expect(await container.prompt()).toMatchObject({ message_id, prompt: 'work' });
    container.result(message_id, 'done');
    const answer = await scene.container.answer();
    expect(answer).toMatchObject({ call_id, is_error: false });
    expect(answer.structured).toMatchObject({ message_id, state: 'completed', result: 'done', total_cost_usd: 0.25 });
  });

  test('waits for several at once, and each call gets its own child’s', async () => {
    const scene = await ran();
    const children = [await child(scene), await child(scene), await child(scene)];
    const calls = new Map(
      children.map(({ id }) => [
        callTool(scene.container, { tool: 'get_child_result', input: { child_session_id: id } }),
        id,
      ]),
    );
    for (const one of children.toReversed()) one.container.result(one.message, `of ${one.id}`);
    for (let answered = 0; answered < 3; answered += 1) {
      const answer = await scene.container.answer();
      expect(answer.structured.result).toBe(`of ${calls.get(answer.call_id)}`);
    }
  });

  test('is told that its child goes on when it has waited long enough', async () => {
    const scene = await ran();
    const { id } = await child(scene);
    const input = { child_session_id: id, timeout_seconds: 0 };
    const now = await useTool(scene.container, { tool: 'get_child_result', input });
    expect(now.structured).toMatchObject({ state: 'working', result: null });
    const later = await useTool(scene.container, { tool: 'get_child_result', input: { ...input, timeout_seconds: 1 } });
    expect(later.structured).toMatchObject({ state: 'working' });
  });

  test('sends more work, looks on, interrupts and stops', async () => {
    const scene = await ran();
    const { id: child_session_id, container, message } = await child(scene, { title: 'busy' });
    container.say({ type: 'assistant', message: { content: [{ type: 'text', text: 'on it' }] } });
    await container.stored();
    const listed = await useTool(scene.container, { tool: 'list_children', input: {} });
    expect(listed.structured.children).toEqual([
      {
        child_session_id,
        title: 'busy',
        status: 'running',
        reason: null,
        pending_messages: 1,
        total_cost_usd: 0,
        open_interactions: 0,
      },
    ]);
    const seen = await useTool(scene.container, { tool: 'get_child_events', input: { child_session_id } });
    expect(seen.structured.events).toContainEqual(expect.objectContaining({ type: 'assistant', text: 'on it' }));
    expect(seen.structured.next_after).toBe(seen.structured.last_seq);
    const interrupted = await useTool(scene.container, { tool: 'interrupt_child', input: { child_session_id } });
    expect(interrupted.structured).toEqual({ interrupted: true });
    await container.interrupted();
    container.result(message, 'cut', { is_error: true, terminal_reason: 'aborted_tools' });
    const sent = await useTool(scene.container, { tool: 'send_to_child', input: { child_session_id, prompt: 'else' } });
    expect(await container.prompt()).toMatchObject({ message_id: sent.structured.message_id, prompt: 'else' });
    const stopped = await useTool(scene.container, { tool: 'stop_child', input: { child_session_id } });
    expect(stopped.structured).toEqual({ status: 'stopped' });
    const of = { child_session_id, message_id: sent.structured.message_id };
    const ended = await useTool(scene.container, { tool: 'get_child_result', input: of });
    expect(ended.structured).toMatchObject({ state: 'interrupted', error: { code: 'stopped_by_user' } });
  });

  test('reaches nobody but its own children', async () => {
    const scene = await ran();
    const middle = await child(scene);
    const below = await spawn(scene.user, middle.id);
    const stranger = await ran();
    for (const child_session_id of [below, scene.id, stranger.id, NOBODY]) {
      for (const tool of ['get_child_result', 'get_child_events', 'interrupt_child', 'stop_child'] as const) {
        const answer = await useTool(scene.container, { tool, input: { child_session_id } });
        expect(answer).toMatchObject({ is_error: true, text: expect.stringContaining('list_children') });
      }
      const sent = await useTool(scene.container, {
        tool: 'send_to_child',
        input: { child_session_id, prompt: 'psst' },
      });
      expect(sent.is_error).toBe(true);
    }
    expect((await show(scene.user, below)).queued_messages).toBe(1);
    expect((await show(stranger.user, stranger.id)).queued_messages).toBe(0);
  });

  test('at the deepest place is refused with what it can do instead', async () => {
    const scene = await ran();
    let deepest: Ran = scene;
    for (let depth = 1; depth <= 5; depth += 1) deepest = await child(deepest);
    const answer = await useTool(deepest.container, spawnCall());
    expect(answer.is_error).toBe(true);
    expect(answer.text).toMatch(/deepest that there may be is 5.*Do the work yourself/s);
  });

  test('that is gone gets no answer, and what it was about to begin does not stay', async () => {
    const scene = await ran();
    const { id } = await child(scene);
    callTool(scene.container, { tool: 'get_child_result', input: { child_session_id: id } });
    callTool(scene.container, spawnCall());
    await scene.container.stored();
    await scene.runner.end(scene.container);
    const { user } = scene;
    await user.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'again' });
    const next = await scene.runner.start(scene.id);
    await next.prompt();
    const listed = await useTool(next, { tool: 'list_children', input: {} });
    for (const one of listed.structured.children) {
      // What had begun before its parent's container ended waits for its own: no runner starts one here.
      if (one.child_session_id !== id) expect(['stopped', 'queued', 'starting']).toContain(one.status);
    }
  });
});

test('of 200 attempts at once, by people and by agents, as many children come to be as the caps allow', async () => {
  const scene = await ran();
  const { user } = scene;
  const levels: Ran[] = [scene, await child(scene)];
  const attempts = Array.from({ length: 200 }, async (_, index) => {
    const from = levels[index % 2];
    if (from === undefined) throw new Error('there are two');
    if (index % 4 < 2)
      return (await user.call('POST', `/sessions/${from.id}/spawn`, { prompt: 'more' })).status === 201;
    callTool(from.container, spawnCall());
    return null;
  });
  await Promise.all(attempts);
  for (const from of levels) {
    for (let answered = 0; answered < 50; answered += 1) await from.container.answer();
  }
  const { body } = await user.call('GET', `/sessions/${scene.id}/tree`);
  // MAX_SESSIONS_PER_USER is 10, and none of them has ended.
  expect(body.nodes).toHaveLength(10);
  expect((await user.call('GET', '/sessions')).body.total).toBe(10);
});

test('a session has no more children, and a tree no more sessions, than allowed, whatever has become of those', async () => {
  const scene = await ran();
  const { user, id } = scene;
  const spawnStopped = async (parent: string) => {
    const answer = await user.call('POST', `/sessions/${parent}/spawn`, { prompt: 'x' });
    if (answer.status === 201) await user.call('POST', `/sessions/${answer.body.child_session_id}/stop`);
    return answer;
  };
  const children: string[] = [];
  for (let count = 0; count < 20; count += 1) children.push((await spawnStopped(id)).body.child_session_id);
  expect((await spawnStopped(id)).body.code).toBe('children_limit_reached');
  const [first = '', second = ''] = children;
  for (let count = 0; count < 20; count += 1) expect((await spawnStopped(first)).status).toBe(201);
  for (let count = 0; count < 9; count += 1) expect((await spawnStopped(second)).status).toBe(201);
  const full = await spawnStopped(second);
  expect([full.status, full.body.code]).toEqual([429, 'tree_limit_reached']);
  expect((await user.call('GET', `/sessions/${id}/tree`)).body.nodes).toHaveLength(50);
});

test('a session that was begun before there were trees may have children', async () => {
  const { user, id } = await ran();
  const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName(user.name));
  await runInDurableObject(directory, (_, { storage: { sql } }) => {
    sql.exec('DELETE FROM tree');
  });
  expect(await spawn(user, id)).toEqual(expect.any(String));
});

test('a session that is gone by the time that it begins a child is refused, and not remembered', async () => {
  const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName(new User().name));
  await runInDurableObject(directory, (own, { storage: { sql } }) => {
    expect(own.spawnRefusal(NOBODY)).toMatchObject({ refused: 'session_not_found' });
    own.setBudget(NOBODY, 1);
    expect(sql.exec('SELECT id FROM tree').toArray()).toEqual([]);
  });
});

test('an agent hears at once of what a child told while that was being asked', async () => {
  const scene = await ran();
  const childId = await spawn(scene.user, scene.id);
  const call_id = crypto.randomUUID();
  await runInDurableObject(sessionObject(scene.id), async (_, ctx) => {
    const outcome = { message_id: NOBODY, result: null, error: null, total_cost_usd: null, open_interactions: 0 };
    const identity = { child_id: childId, title: null, message_id: NOBODY };
    const data = { child_session_id: childId, status: 'idle' as const, reason: null };
    let asked = 0;
    const childOutcome = (): object => {
      asked += 1;
      if (asked > 1) return { ...outcome, state: 'completed' };
      // Sent after its answer, and there before it.
      const news = [{ n: 1000, event: { type: 'child.status' as const, data } }];
      parts.store.change((tx) => tx.children.updated(identity, news));
      return { ...outcome, state: 'working' };
    };
    const SESSION = { idFromName: (name: string) => name, get: () => ({ childOutcome }) };
    const others: EdgeEnv = Object.assign(Object.create(null), env, { SESSION });
    const parts = new SessionAssembly(ctx, others);
    const input = { child_session_id: childId };
    parts.store.change((tx) => tx.children.called(call_id, { tool: 'get_child_result', input }, null));
    await expect.poll(() => parts.store.calls.get(call_id)?.answered).toMatchObject({ state: 'completed' });
    expect(asked).toBe(2);
  });
});
