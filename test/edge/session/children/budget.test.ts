import { env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { Directory } from '../../../../durable/directory/directory.ts';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { User } from '../../support/api.ts';
import { ofType, spawn, useTool } from './support/family.ts';
import { FakeRunner, storage, type FakeContainer } from '../../support/runner.ts';
import { ran as ranOn, SHARED, show, type Ran } from '../../support/scene.ts';

let room = 100;

/** A session that has run, on a runner with more room than those of the tests before, so that its children come there as well. */
async function ran(config: object = {}): Promise<Ran> {
  room += 100;
  const runner = await FakeRunner.connect(undefined, { storage: storage(SHARED), capacity: room });
  return ranOn({ config }, new User(), runner);
}

const chat = async (user: User, id: string, prompt = 'go'): Promise<string> =>
  (await user.call('POST', `/sessions/${id}/chat`, { prompt })).body.message_id;

/** Ends the turn that runs, at a price. */
const end = (container: FakeContainer, messageId: string, usd: number) =>
  container.result(messageId, 'done', { model_usage_since_last_result: { model: { costUSD: usd } } });

const budgets = async (user: User, id: string) => ofType(await user.events(id), 'session.budget');
const status = async (user: User, id: string, message: string) =>
  (await user.call('GET', `/sessions/${id}/messages/${message}`)).body.status;

const heldModel = async ({ container }: Ran, held: boolean) =>
  container.data.next(({ kind, held: said }) => kind === 'model' && said === held);

describe('a budget', () => {
  test('lets turns begin until it is spent; then they wait, the log says why, and raised they go on', async () => {
    const scene = await ran({ budget_usd: 1 });
    const { user, id, container } = scene;
    const first = await chat(user, id);
    await container.prompt();
    end(container, first, 1.2);
    const second = await chat(user, id, 'more');
    await expect.poll(() => budgets(user, id)).toHaveLength(1);
    const spent = { state: 'reached', budget_session_id: id, budget_usd: 1, spent_usd: 1.2 };
    expect(await budgets(user, id)).toEqual([spent]);
    expect(await status(user, id, second)).toBe('queued');
    await expect.poll(async () => (await show(user, id)).reason?.code).toBe('budget_reached');
    expect((await show(user, id)).reason.detail).toContain(`PATCH /api/v1/sessions/${id}`);
    const raised = await user.call('PATCH', `/sessions/${id}`, { budget_usd: 3 });
    expect([raised.status, raised.body.config.budget_usd]).toEqual([200, 3]);
    expect(await container.prompt()).toMatchObject({ message_id: second, prompt: 'more' });
    expect(await budgets(user, id)).toMatchObject([{ state: 'reached' }, { state: 'resumed' }]);
  });

  test('is one for all below, and holds the calls of whoever is in the middle of a turn', async () => {
    const scene = await ran({ budget_usd: 1 });
    const { user, runner } = scene;
    const mine = await chat(user, scene.id);
    await scene.container.prompt();
    const [a, b] = await Promise.all([spawn(user, scene.id), spawn(user, scene.id)]);
    const [one, two] = [await runner.start(a), await runner.start(b)];
    const [first, second] = [await one.prompt(), await two.prompt()];
    two.say({ notice: 'spent', since_result_usd: 0.4 });
    end(one, first.message_id, 0.7);
    await heldModel(scene, true);
    await heldModel({ ...scene, container: two }, true);
    expect(await status(user, scene.id, mine)).toBe('processing');
    expect(await status(user, b, second.message_id)).toBe('processing');
    const refused = await user.call('POST', `/sessions/${a}/spawn`, { prompt: 'x' });
    expect([refused.status, refused.body.code]).toEqual([402, 'budget_reached']);
    await user.call('PATCH', `/sessions/${scene.id}`, { budget_usd: 5 });
    await heldModel(scene, false);
    await heldModel({ ...scene, container: two }, false);
    end(two, second.message_id, 0.5);
    const tree = async () => (await user.call('GET', `/sessions/${scene.id}/tree`)).body.nodes[0].tree_cost_usd;
    await expect.poll(tree).toBeCloseTo(1.2);
  });

  test('is kept by a runner that comes back, and by a new container', async () => {
    const scene = await ran({ budget_usd: 1 });
    const { user, id, container } = scene;
    const first = await chat(user, id);
    await container.prompt();
    container.say({ notice: 'spent', since_result_usd: 1.5 });
    await heldModel(scene, true);
    container.data.send({ kind: 'hello', epoch: 1, taken: 1 });
    await heldModel(scene, true);
    await scene.runner.end(container);
    expect(await status(user, id, first)).toBe('failed');
    expect((await show(user, id)).total_cost_usd).toBe(1.5);
    const next = await chat(user, id, 'again');
    await expect.poll(async () => (await show(user, id)).reason?.code).toBe('budget_reached');
    expect(await status(user, id, next)).toBe('queued');
    await user.call('PATCH', `/sessions/${id}`, { budget_usd: null });
    const again = await scene.runner.start(id);
    expect((await again.prompt()).message_id).toBe(next);
  });

  test('that was raised is told to who waits for it, though the edge was cut off as it told them', async () => {
    const scene = await ran({ budget_usd: 1 });
    const { user, id, container } = scene;
    end(container, await chat(user, id), 1.2);
    await container.prompt();
    await scene.runner.end(container);
    const waiting = await chat(user, id, 'more');
    await expect.poll(async () => (await show(user, id)).reason?.code).toBe('budget_reached');
    const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName(user.name));
    await runInDurableObject(directory, (_, ctx) => {
      const { promise } = Promise.withResolvers<void>();
      const SESSION = { idFromName: (name: string) => name, get: () => ({ hearLeave: () => promise }) };
      const others: EdgeEnv = Object.assign(Object.create(null), env, { SESSION });
      const { storage: own, id: its } = ctx;
      const cutOff: DurableObjectState = Object.assign(Object.create(ctx), {
        storage: own,
        id: its,
        waitUntil: () => undefined,
        blockConcurrencyWhile: ctx.blockConcurrencyWhile.bind(ctx),
      });
      new Directory(cutOff, others).setBudget(id, 3);
    });
    expect(await status(user, id, waiting)).toBe('queued');
    expect(await runDurableObjectAlarm(directory)).toBe(true);
    const again = await scene.runner.start(id);
    expect((await again.prompt()).message_id).toBe(waiting);
  });

  test('that comes later counts what was spent before', async () => {
    const scene = await ran();
    const { user, id, container } = scene;
    end(container, await chat(user, id), 2);
    await container.prompt();
    await expect.poll(async () => (await show(user, id)).total_cost_usd).toBe(2);
    expect((await user.call('GET', `/sessions/${id}/tree`)).body.nodes[0].tree_cost_usd).toBe(2);
    await user.call('PATCH', `/sessions/${id}`, { budget_usd: 1.5 });
    await chat(user, id);
    await expect.poll(() => budgets(user, id)).toMatchObject([{ state: 'reached', spent_usd: 2 }]);
  });

  test('counts what deleted children have cost', async () => {
    const scene = await ran({ budget_usd: 1 });
    const { user, id, runner } = scene;
    const child = await spawn(user, id);
    const container = await runner.start(child);
    end(container, (await container.prompt()).message_id, 1.1);
    await expect.poll(() => budgets(user, id)).toHaveLength(1);
    expect((await user.call('DELETE', `/sessions/${child}`)).status).toBe(204);
    expect((await user.call('GET', `/sessions/${id}/tree`)).body.nodes[0].tree_cost_usd).toBe(1.1);
    const message = await chat(user, id);
    await expect.poll(async () => (await show(user, id)).reason?.code).toBe('budget_reached');
    expect(await status(user, id, message)).toBe('queued');
  });

  test('of a child is its own, below that of its parent', async () => {
    const scene = await ran({ budget_usd: 10 });
    const { user, id, runner } = scene;
    const child = await spawn(user, id, { config: { budget_usd: 1 } });
    const container = await runner.start(child);
    end(container, (await container.prompt()).message_id, 1.1);
    await expect.poll(() => budgets(user, child)).toMatchObject([{ budget_session_id: child }]);
    const message = await chat(user, id);
    expect((await scene.container.prompt()).message_id).toBe(message);
    const wide = await user.call('POST', `/sessions/${child}/spawn`, { prompt: 'x', config: { budget_usd: 2 } });
    expect(wide.body.code).toBe('child_too_wide');
  });

  test('that is spent is told to an agent that waits for a child', async () => {
    const scene = await ran({ budget_usd: 1 });
    const { user, id, runner } = scene;
    await chat(user, id);
    await scene.container.prompt();
    const child = await spawn(user, id);
    const container = await runner.start(child);
    await container.prompt();
    container.say({ notice: 'spent', since_result_usd: 1 });
    await heldModel({ ...scene, container }, true);
    const input = { child_session_id: child };
    const answer = await useTool(scene.container, { tool: 'get_child_result', input });
    expect(answer.structured).toMatchObject({ state: 'paused' });
  });
});

test('however many turns want to begin at once, a tree passes its budget by no more than one of them', async () => {
  const price = 0.2;
  const scene = await ran({ budget_usd: 1 });
  const { user, id, runner } = scene;
  // What a call costs is known once there was one.
  const first = await chat(user, id);
  await scene.container.prompt();
  end(scene.container, first, price);
  const ids = await Promise.all(Array.from({ length: 8 }, () => spawn(user, id)));
  const containers: FakeContainer[] = [];
  for (const child of ids) containers.push(await runner.start(child));
  const turns = containers.map(async (container) => {
    const { message_id } = await container.prompt();
    end(container, message_id, price);
    await container.stored();
  });
  const tree = async () => (await user.call('GET', `/sessions/${id}/tree`)).body.nodes[0].tree_cost_usd;
  await expect.poll(tree).toBeGreaterThan(1 - price);
  await expect.poll(() => budgets(user, id)).toHaveLength(1);
  expect(await tree()).toBeLessThanOrEqual(1 + price);
  await user.call('PATCH', `/sessions/${id}`, { budget_usd: 100 });
  await Promise.all(turns);
  await expect.poll(tree).toBeCloseTo(9 * price);
});
