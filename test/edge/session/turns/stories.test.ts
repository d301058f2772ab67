import { env, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { generatedRuns } from '../../../support/run/generated-runs.ts';
import { FakeClaude } from './support/fake-claude.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Step = (claude: FakeClaude) => void;

const named = (name: string, step: Step): Step =>
  Object.assign(step, { toString: () => name, [fc.toStringMethod]: () => name });

const always = (weight: number, name: string, step: Step) => ({ weight, arbitrary: fc.constant(named(name, step)) });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  always(6, 'deliver', (c) => void c.deliver()),
  always(6, 'begin', (c) => c.begin()),
  always(3, 'fold', (c) => c.fold()),
  always(5, 'answer', (c) => c.answer(true)),
  always(1, 'fail', (c) => c.answer(false)),
  always(2, 'begin agent', (c) => c.beginTask('local_agent')),
  always(1, 'begin shell', (c) => c.beginTask('local_bash')),
  always(3, 'end task', (c) => c.endTask()),
  always(2, 'rest', (c) => c.rest()),
  always(1, 'start', (c) => c.start()),
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('queue' as const, 'steer' as const, 'interrupt' as const)
      .map((delivery) => named(`chat ${delivery}`, (c) => c.chat(delivery))),
  },
  { weight: 1, arbitrary: fc.boolean().map((all) => named(`interrupt ${all}`, (c) => c.interrupt(all))) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('container_exited' as const, 'runner_lost' as const, 'runner_draining' as const)
      .map((code) => named(`ended ${code}`, (c) => c.end(code))),
  },
  { weight: 1, arbitrary: fc.constantFrom(1, 40, 301, 3601).map((t) => named(`${t} s`, (c) => c.pass(t))) },
);

const anyStory = fc.array(anyStep, { maxLength: 80 });

/** Checks what holds after any story, once all that was begun has come to its end. */
async function everyStory(holds: (claude: FakeClaude) => void): Promise<void> {
  await runInDurableObject(env.SESSION.get(env.SESSION.newUniqueId()), (_, { storage }) => {
    fc.assert(
      fc.property(anyStory, (steps) => {
        const claude = new FakeClaude(storage);
        claude.start();
        for (const step of steps) step(claude);
        claude.goWell();
        holds(claude);
      }),
      // Each is played on SQLite.
      { numRuns: generatedRuns(800) },
    );
  });
}

const events = (claude: FakeClaude) =>
  claude.store.log.read(0, 100_000, 1e9).map(({ type, json }) => ({ type, data: JSON.parse(json) }));

describe('turns, whoever begins them and however they end', () => {
  it('end each message once, and settle it once', async () => {
    await everyStory((claude) => {
      const log = events(claude);
      const ids = (...types: string[]) =>
        log.filter(({ type }) => types.includes(type)).map(({ data }) => String(data.message_id));
      const sent = ids('message.queued').toSorted();
      expect(ids('message.completed', 'message.failed', 'message.interrupted').toSorted()).toEqual(sent);
      const later = log.filter(({ type, data }) => type === 'message.completed' && data.settled === false);
      expect(ids('message.settled').toSorted()).toEqual(later.map(({ data }) => String(data.message_id)).toSorted());
    });
  });

  it('give each message the answer of the model, and say of none that it was dropped that was answered', async () => {
    await everyStory((claude) => {
      for (const { data } of events(claude).filter(({ type }) => type === 'message.queued')) {
        const view = claude.store.messages.view('session', data.message_id);
        const said = claude.said.get(data.message_id);
        if (said === undefined) expect(view?.status).not.toBe('completed');
        else expect(view).toMatchObject({ status: 'completed', error: null });
        if (said !== undefined) expect(view?.turns.map(({ result }) => result)).toContain(said);
        // What was said of it last, whichever turn said it.
        const spoken = view?.turns.findLast(
          ({ status, result = null }) => status === 'completed' && result !== null && result !== '',
        );
        if (said !== undefined) expect(view?.result).toBe(spoken?.result);
      }
    });
  });

  it('are all counted: what they cost is what claude says, and none is forgotten', async () => {
    await everyStory((claude) => {
      const { usage } = claude.store.current;
      expect(usage.turns).toBe(claude.results);
      expect(usage.cost_usd).toBeCloseTo(claude.cost, 6);
      const turns = claude.store.turns.page(0, 1000).data;
      const costs = turns.map(({ total_cost_usd = 0 }) => total_cost_usd);
      expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(claude.cost, 6);
      const log = events(claude);
      const began = log.filter(({ type }) => type === 'turn.started').map(({ data }) => String(data.turn_id));
      const ended = log.filter(({ type }) => type === 'turn.ended').map(({ data }) => String(data.turn_id));
      expect(ended.toSorted()).toEqual(began.toSorted());
    });
  });
});
