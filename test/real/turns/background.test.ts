import { atMost } from '../../support/patience.ts';
import { existsSync } from 'node:fs';
import { until } from '../../support/until.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { after, agent, bash, byWord, says, turnsScene, type TurnsScene } from '../../support/turns.ts';

/** What the agent does beside the messages that it gets, through the whole service. */

let scene: TurnsScene;
beforeAll(async () => {
  scene = await turnsScene(
    byWord({
      'answer is 42': () => says('The report is: the answer is 42'),
      'go short shell': () => bash('sleep 1', { run_in_background: true }),
      'go writing shell': () => bash('sleep 8; echo done > written', { run_in_background: true }),
      'go endless shell': () => bash('tail -f /dev/null', { run_in_background: true }),
      'go agent': () => agent('what is it?'),
      'go endless agent': () => agent('never ends'),
      'spawn now': () => [{ tool: 'mcp__cc-docker__spawn_session', input: { prompt: 'go agent' } }],
      'what is it?': () => [{ words: after(2500, 'the answer is 42') }],
      'never ends': () => bash('tail -f /dev/null'),
      'hello meanwhile': () => says('answer to the chat'),
      'sleep 1': () => bash('sleep 3; echo slept'),
      slept: () => says('own turn over'),
      'task-notification': () => bash('sleep 3; echo slept'),
      tool_result: () => says('started'),
    }),
  );
}, atMost(60));
afterAll(async () => await scene[Symbol.asyncDispose]());

const ownTurn = ({ type }: { type: string }) => type === 'turn.started';

test('a chat during a turn that claude began itself is answered, and nothing is said to be dropped', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  await alice.ask(id, 'go short shell');
  await until(async () => expect((await alice.events(id)).some(ownTurn)).toBe(true));
  expect(await alice.show(id)).toMatchObject({ status: 'running' });
  const answer = await alice.ask(id, 'hello meanwhile');
  expect(answer).toMatchObject({ status: 'completed', result: 'answer to the chat', error: null });
  const { body } = await alice.call('GET', `/sessions/${id}/turns`);
  expect(body.data.map(({ origin, status }: Record<string, string>) => `${origin} ${status}`)).toEqual([
    'user completed',
    'agent completed',
    'user completed',
  ]);
  const results = (await alice.events(id)).filter(({ type }) => type === 'result');
  expect(results).toHaveLength(3);
  const costs = body.data.map(({ total_cost_usd }: Record<string, number>) => total_cost_usd);
  const { total_cost_usd, total_turns } = await alice.show(id);
  expect(total_turns).toBe(3);
  expect(total_cost_usd).toBeCloseTo(
    costs.reduce((a: number, b: number) => a + b, 0),
    9,
  );
  expect(total_cost_usd).toBeCloseTo(results.at(-1).data.total_cost_usd, 9);
});

describe('a message that begins a subagent', () => {
  /** One session for all but the last: each is done with its subagent before the next begins. */
  let id: string;
  beforeAll(async () => (id = await scene.alice.createSession()));

  test('is settled when that has been reported on, and a call that waits gets what it found', async () => {
    const { alice } = scene;
    const answer = await alice.ask(id, 'go agent');
    expect(answer).toMatchObject({
      status: 'completed',
      result: 'The report is: the answer is 42',
      background_tasks: [],
    });
    expect(answer.settled_at).not.toBeNull();
    expect(answer.turns.map(({ origin }: { origin: string }) => origin)).toEqual(['user', 'agent']);
    expect(answer.turns[0]).toMatchObject({ result: 'started' });
    const types = (await alice.events(id)).map(({ type, data }) =>
      type === 'message.completed' ? { type, ...data } : type,
    );
    expect(types).toContainEqual({ type: 'message.completed', message_id: answer.message_id, settled: false });
    expect(types).toContain('message.settled');
  });

  test('can be waited for until its turn has ended, and says what is still open', async () => {
    const { alice } = scene;
    const { body } = await alice.call('POST', `/sessions/${id}/chat`, {
      prompt: 'go agent',
      stream: false,
      wait: 'turn',
    });
    expect(body).toMatchObject({ status: 'completed', result: 'started', settled_at: null });
    expect(body.background_tasks).toMatchObject([{ kind: 'agent', description: 'what is it?' }]);
    expect(await alice.show(id)).toMatchObject({ status: 'idle', background_tasks: [{ kind: 'agent' }] });
    await until(async () =>
      expect(await alice.message(id, body.message_id)).toMatchObject({ result: expect.stringContaining('42') }),
    );
  });

  test('whose timeout is over answers with what it has, and the work goes on', async () => {
    const { alice } = scene;
    await alice.ask(id, 'hello meanwhile');
    const asked = { prompt: 'go endless agent', stream: false, timeout_seconds: 20 };
    const { status, body } = await alice.call('POST', `/sessions/${id}/chat`, asked);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'completed', result: 'started', settled_at: null, error: null });
    expect(body.background_tasks).toMatchObject([{ kind: 'agent' }]);
    expect(await alice.show(id)).toMatchObject({ status: 'idle', background_tasks: [{ kind: 'agent' }] });
    const interrupted = await alice.call('POST', `/sessions/${id}/interrupt`, { background: true });
    expect(interrupted.body).toEqual({ interrupted: true, message_id: null });
    await alice.until(id, ({ background_tasks }) => background_tasks.length === 0);
    expect((await alice.message(id, body.message_id)).settled_at).not.toBeNull();
  });

  test('as a child gives its parent what the subagent found', async () => {
    const { alice } = scene;
    const parent = await alice.createSession({ agent_tools: ['spawn_session'] });
    await alice.ask(parent, 'spawn now');
    const result = await until(async () => {
      const found = (await alice.events(parent)).filter(({ type }) => type === 'child.result');
      expect(found).not.toEqual([]);
      return found;
    });
    expect(result).toHaveLength(1);
    expect(result[0].data).toMatchObject({ status: 'completed', result: 'The report is: the answer is 42' });
  });
});

test('idle time begins when the background work has ended', async () => {
  const { alice, service } = scene;
  const id = await alice.createSession({ idle_timeout_seconds: 4 });
  await alice.ask(id, 'go writing shell');
  expect(await alice.show(id)).toMatchObject({ status: 'idle', background_tasks: [{ kind: 'shell' }] });
  const parked = await alice.until(id, ({ status }) => status === 'stopped');
  expect(parked).toMatchObject({ reason: { code: 'idle_timeout' }, background_tasks: [] });
  expect(existsSync(service.workspace(id, 'written'))).toBe(true);
  const events = await alice.events(id);
  const changes = events.filter(({ type }) => type === 'session.background_tasks');
  expect(changes.map(({ data }) => data.tasks.length)).toEqual([1, 0]);
  const last = events.findLast(({ type }) => type === 'turn.ended') ?? changes.at(-1);
  const stopped = events.find(({ type, data }) => type === 'session.status' && data.status === 'stopped');
  expect(Date.parse(stopped.time) - Date.parse(last.time)).toBeGreaterThanOrEqual(4000);
});

test('background work alone keeps a container for its own time, and no longer', async () => {
  const { alice } = scene;
  const id = await alice.createSession({ idle_timeout_seconds: 1, background_timeout_seconds: 6 });
  await alice.ask(id, 'go endless shell');
  const parked = await alice.until(id, ({ status }) => status === 'stopped');
  expect(parked).toMatchObject({ reason: { code: 'background_timeout' }, background_tasks: [] });
  expect(parked.reason.detail).toContain('tail -f');
});
