import { env, runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { SessionAssembly } from '../../../../durable/session/assembly.ts';
import { User } from '../../support/api.ts';
import { FakeRunner, storage } from '../../support/runner.ts';
import { ran, sessionObject, SHARED, show, type Ran } from '../../support/scene.ts';
import { callTool, ofType, spawn, useTool } from './support/family.ts';

/** What becomes of a child's result when the container of its parent ends in between. */

let room = 10_000;

interface Waiting extends Ran {
  readonly child: Ran & { readonly message: string };
  /** The agent's call that waits for the child. */
  readonly call: { readonly notice: 'tool_call'; readonly call_id: string; readonly tool_use_id: string };
  readonly turn: string;
}

/** A parent whose agent, in the middle of a turn, waits for its child's result. */
async function waiting(): Promise<Waiting> {
  room += 100;
  const runner = await FakeRunner.connect(undefined, { storage: storage(SHARED), capacity: room });
  const scene = await ran({}, new User(), runner);
  const { user, id, container } = scene;
  await user.call('POST', `/sessions/${id}/chat`, { prompt: 'delegate' });
  const { message_id: turn } = await container.prompt();
  const childId = await spawn(user, id, { title: 'counter' });
  const childContainer = await runner.start(childId);
  const { message_id: message } = await childContainer.prompt();
  const call = { notice: 'tool_call', call_id: crypto.randomUUID(), tool_use_id: 'toolu_1' } as const;
  container.say({ ...call, call: { tool: 'get_child_result', input: { child_session_id: childId } } });
  await container.stored();
  return { ...scene, turn, call, child: { user, runner, id: childId, container: childContainer, message } };
}

/** The line of Claude Code's that says that the agent has a tool's result. */
const told = (tool_use_id: string) => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id, content: [{ type: 'text', text: '…' }] }] },
  parent_tool_use_id: null,
});

const heard = async ({ user, id }: Ran) => {
  await expect.poll(async () => ofType(await user.events(id), 'child.result')).toHaveLength(1);
};
const queued = async ({ user, id }: Ran) =>
  ofType(await user.events(id), 'message.queued').map(({ prompt }) => String(prompt));

test('a result that its container took and never gave to the agent wakes the parent as a message', async () => {
  const scene = await waiting();
  scene.child.container.result(scene.child.message, 'forty-two');
  // `answer` says that the wrapper has it; the agent's transcript does not.
  expect(await scene.container.answer()).toMatchObject({ structured: { state: 'completed', result: 'forty-two' } });
  await scene.runner.end(scene.container);
  const { prompt } = await (await scene.runner.start(scene.id)).prompt();
  expect(prompt).toContain('forty-two');
  expect(prompt).toContain(scene.child.id);
});

test('so does one that no container took', async () => {
  const scene = await waiting();
  scene.child.container.result(scene.child.message, 'forty-two');
  await scene.container.data.next(({ kind, command }) => kind === 'command' && command.command === 'tool_result');
  await scene.runner.end(scene.container);
  expect((await (await scene.runner.start(scene.id)).prompt()).prompt).toContain('forty-two');
});

test('one that the agent has read is not given again', async () => {
  const scene = await waiting();
  scene.child.container.result(scene.child.message, 'forty-two');
  await scene.container.answer();
  scene.container.say(told('toolu_1'));
  await scene.container.stored();
  await scene.runner.end(scene.container);
  expect(await show(scene.user, scene.id)).toMatchObject({ status: 'failed', queued_messages: 0 });
  expect((await queued(scene)).filter((prompt) => prompt.includes('forty-two'))).toEqual([]);
});

test('one that comes in a turn that ended is not given again either, from a wrapper that names no tool use', async () => {
  const scene = await waiting();
  const call_id = callTool(scene.container, { tool: 'get_child_result', input: { child_session_id: scene.child.id } });
  scene.container.say({ notice: 'tool_cancelled', call_id: scene.call.call_id });
  // Else the result, which comes by another socket, may overtake it.
  await scene.container.stored();
  scene.child.container.result(scene.child.message, 'forty-two');
  expect(await scene.container.answer()).toMatchObject({ call_id });
  scene.container.result(scene.turn, 'it is 42');
  await scene.container.stored();
  await scene.runner.end(scene.container);
  expect(await show(scene.user, scene.id)).toMatchObject({ queued_messages: 0 });
  expect((await queued(scene)).filter((prompt) => prompt.includes('forty-two'))).toEqual([]);
});

test('one that comes after the container has ended wakes the parent, once', async () => {
  const scene = await waiting();
  await scene.runner.end(scene.container);
  expect(await show(scene.user, scene.id)).toMatchObject({ status: 'failed' });
  scene.child.container.result(scene.child.message, 'forty-two');
  const next = await scene.runner.start(scene.id);
  expect((await next.prompt()).prompt).toContain('forty-two');
  expect((await queued(scene)).filter((prompt) => prompt.includes('forty-two'))).toHaveLength(1);
});

test('an agent that waits for it again in the next container gets it there, and no message', async () => {
  const scene = await waiting();
  await scene.runner.end(scene.container);
  await scene.user.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'go on' });
  const next = await scene.runner.start(scene.id);
  await next.prompt();
  const call_id = callTool(next, { tool: 'get_child_result', input: { child_session_id: scene.child.id } });
  await next.stored();
  scene.child.container.result(scene.child.message, 'forty-two');
  expect(await next.answer()).toMatchObject({ call_id, structured: { result: 'forty-two' } });
  expect((await queued(scene)).filter((prompt) => prompt.includes('forty-two'))).toEqual([]);
});

test('one that was given up for time comes as a message when the container ends before the agent hears that', async () => {
  const scene = await waiting();
  const input = { child_session_id: scene.child.id, timeout_seconds: 0 };
  scene.container.say({ notice: 'tool_cancelled', call_id: scene.call.call_id });
  expect(await useTool(scene.container, { tool: 'get_child_result', input })).toMatchObject({
    structured: { state: 'working' },
  });
  await scene.runner.end(scene.container);
  scene.child.container.result(scene.child.message, 'forty-two');
  expect((await (await scene.runner.start(scene.id)).prompt()).prompt).toContain('forty-two');
});

test('a session that its owner stops is woken by no child, whether it was parked or not', async () => {
  const parked = await waiting();
  await parked.runner.end(parked.container);
  const running = await waiting();
  for (const { user, id } of [parked, running]) await user.call('POST', `/sessions/${id}/stop`);
  await running.runner.end(running.container, 'stopped_by_user');
  for (const scene of [parked, running]) {
    await heard(scene);
    expect(await queued(scene)).toEqual(['delegate']);
  }
  expect((await show(running.user, running.id)).status).toBe('stopped');
});

test('one for which the child is being asked while the container ends', async () => {
  const scene = await waiting();
  const { child, id } = scene;
  await runInDurableObject(sessionObject(id), async (_, ctx) => {
    const outcome = { message_id: child.message, error: null, total_cost_usd: null, open_interactions: 0 };
    const gone = { code: 'container_exited', detail: 'gone' } as const;
    const identity = { child_id: child.id, title: 'counter', message_id: child.message };
    let asked = 0;
    const childOutcome = (): object => {
      asked += 1;
      // The child's own word has come, and makes the call due. The container ends while its answer is on the way.
      if (asked === 1) parts.store.change((tx) => tx.ended(tx.record.state.epoch, gone, scene.runner.name));
      return { ...outcome, state: 'completed', result: 'forty-two' };
    };
    const SESSION = { idFromName: (name: string) => name, get: () => ({ childOutcome }) };
    const others: EdgeEnv = Object.assign(Object.create(null), env, { SESSION });
    const parts = new SessionAssembly(ctx, others);
    const data = { child_session_id: child.id, status: 'idle' as const, reason: null };
    parts.store.change((tx) => tx.children.updated(identity, [{ n: 1000, event: { type: 'child.status', data } }]));
    await expect.poll(() => parts.store.current.state.queue).toHaveLength(1);
    const [message] = parts.store.current.state.queue;
    expect(parts.store.messages.shortPrompt(message?.message_id ?? '')).toContain('forty-two');
  });
});

test('a parked parent that an earlier version stored as waiting is woken too', async () => {
  const scene = await waiting();
  await scene.runner.end(scene.container);
  await runInDurableObject(sessionObject(scene.id), (_, ctx) => {
    const { sql } = ctx.storage;
    sql.exec('DELETE FROM agent_calls');
    for (const column of ['tool_use_id', 'answered', 'over']) sql.exec(`ALTER TABLE agent_calls DROP COLUMN ${column}`);
    sql.exec("UPDATE record SET json = json_set(json, '$.children.awaited', json_array(?))", scene.child.id);
    sql.exec('UPDATE schema_version SET version = 3');
    // As when the newer version opens what is stored.
    expect(new SessionAssembly(ctx, env).store.current.children).not.toHaveProperty('awaited');
  });
  scene.child.container.result(scene.child.message, 'forty-two');
  const { prompt } = await (await scene.runner.start(scene.id)).prompt();
  expect(prompt).toContain('forty-two');
});
