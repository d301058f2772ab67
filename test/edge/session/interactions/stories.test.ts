import { env, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inboxOf } from '../../../../durable/session/store/views.ts';
import { Story } from './support/story.ts';
import { generatedRuns } from '../../../support/run/generated-runs.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Step = (story: Story) => void;

const named = (name: string, step: Step): Step =>
  Object.assign(step, { toString: () => name, [fc.toStringMethod]: () => name });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(named('deliver', (s) => void s.deliver())) },
  { weight: 3, arbitrary: fc.constant(named('permission', (s) => s.ask('permission'))) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.option(fc.constantFrom(5, 60)), fc.option(fc.constantFrom(0, 1, 7)))
      .map(([t, n]) => named(`ask_user ${t} ${n}`, (s) => s.ask('ask_user', t ?? undefined, n ?? undefined))),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat({ max: 5 }), fc.nat({ max: 1 }))
      .map(([n, v]) => named(`resolve ${n} with ${v}`, (s) => s.resolve(n, v))),
  },
  { weight: 2, arbitrary: fc.constant(named('chat', (s) => s.chat())) },
  { weight: 2, arbitrary: fc.constant(named('start', (s) => s.start())) },
  { weight: 1, arbitrary: fc.boolean().map((ok) => named(`turn ends ${ok}`, (s) => s.endTurn(ok))) },
  { weight: 1, arbitrary: fc.constant(named('withdraw', (s) => s.withdraw())) },
  { weight: 1, arbitrary: fc.constant(named('interrupt', (s) => s.interrupt())) },
  { weight: 1, arbitrary: fc.constant(named('stop', (s) => s.stop())) },
  { weight: 1, arbitrary: fc.constant(named('exit', (s) => s.exit())) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('container_exited' as const, 'runner_lost' as const, 'runner_draining' as const)
      .map((code) => named(`ended ${code}`, (s) => s.end(code))),
  },
  { weight: 2, arbitrary: fc.constant(named('alarm', (s) => s.alarm())) },
  { weight: 2, arbitrary: fc.constantFrom(1, 10, 30, 100, 1300, 1801).map((t) => named(`${t} s`, (s) => s.pass(t))) },
);

/** What the owner's inbox is to show. */
const shown = ({ store }: Story) => inboxOf(store, store.current);

const anyStory = fc.array(anyStep, { maxLength: 60 });

/** Tells a story that begins with a running turn. */
function tell(storage: DurableObjectStorage, steps: readonly Step[]): Story {
  const story = new Story(storage);
  story.start();
  story.chat();
  story.deliver();
  for (const step of steps) step(story);
  return story;
}

/** Checks what holds after any story; each begins on storage of its own object, emptied. */
async function everyStory(holds: (story: Story) => void): Promise<void> {
  await inStorage((storage) => {
    fc.assert(
      fc.property(anyStory, (steps) => holds(tell(storage, steps))),
      // Each is played on SQLite.
      { numRuns: generatedRuns(800) },
    );
  });
}

const inStorage = (work: (storage: DurableObjectStorage) => void) =>
  runInDurableObject(env.SESSION.get(env.SESSION.newUniqueId()), (_, ctx) => work(ctx.storage));

describe('what people are asked, whatever happens in whatever order', () => {
  it('is answered once: each answer reaches the model exactly once, unless it waits no more or the queue is given up', async () => {
    await everyStory((story) => {
      story.goWell();
      for (const { interaction_id: id, state } of story.all()) {
        const heard = story.heard.get(id) ?? [];
        expect(state, id).not.toBe('open');
        expect(heard.length + story.givenUp(id), `${id} ${state}`).toBeLessThanOrEqual(1);
        if (story.withdrawn.has(id)) expect(heard, `${id} ${state}`).toEqual([]);
        if (state === 'resolved' && !story.withdrawn.has(id)) {
          expect(heard.length + story.givenUp(id), `${id} ${state}`).toBe(1);
        }
      }
    });
  });

  it('has one winner, whose answer is the one that the model hears', async () => {
    await everyStory((story) => {
      story.goWell();
      for (const { interaction_id: id, state, resolved_by } of story.all()) {
        const winner = story.winner.get(id);
        expect(state === 'resolved').toBe(winner !== undefined);
        if (winner === undefined) continue;
        expect(resolved_by).toBe(`person ${winner}`);
        for (const { text } of story.heard.get(id) ?? []) expect(text).toContain(`reply ${winner} to ${id}`);
      }
    });
  });

  it('ends at its deadline by its default, which the model hears once, however late the alarm comes', async () => {
    await everyStory((story) => {
      story.goWell();
      for (const { interaction_id: id, state, default: fallback, of } of story.all()) {
        if (state !== 'expired' || of !== 'tool' || fallback === null || story.withdrawn.has(id)) continue;
        expect((story.heard.get(id) ?? []).length + story.givenUp(id), id).toBe(1);
        for (const { text } of story.heard.get(id) ?? []) expect(text).toContain(`default of ${id}`);
      }
    });
  });

  it('is reported to the owner’s inbox when it changes, and not when it does not', async () => {
    await inStorage((storage) => {
      fc.assert(
        fc.property(anyStory, (steps) => {
          const story = tell(storage, []);
          let before = shown(story);
          for (const step of steps) {
            step(story);
            const now = shown(story);
            expect(now.changes === before.changes).toBe(JSON.stringify(now.open) === JSON.stringify(before.open));
            before = now;
          }
        }),
        { numRuns: generatedRuns(400) },
      );
    });
  });

  it('is counted, opened and closed in the log once each, and its turn waits only while it does', async () => {
    await everyStory((story) => {
      const all = story.all();
      const { open_interactions, state } = story.store.current;
      expect(open_interactions).toBe(all.filter((one) => one.state === 'open').length);
      expect(state.asking).toBe(all.some((one) => one.state === 'open' && !one.detached));
      story.goWell();
      const log = story.store.log.read(0, 100_000, 1e9);
      for (const type of ['interaction.opened', 'interaction.closed']) {
        const ids = log
          .filter((event) => event.type === type)
          .map(({ json }) => String(JSON.parse(json).interaction_id));
        expect(ids.toSorted()).toEqual(
          story
            .all()
            .map((one) => one.interaction_id)
            .toSorted(),
        );
      }
    });
  });
});

describe('reminders, whatever happens in whatever order', () => {
  it('come while it is open and no longer, not sooner than they are due, and those that are late as one', async () => {
    await everyStory((story) => {
      story.goWell();
      const log = story.store.log
        .read(0, 100_000, 1e9)
        .map(({ json, ...rest }) => ({ ...rest, data: JSON.parse(json) }));
      for (const { interaction_id: id, created, deadline } of story.all()) {
        const about = log.filter(({ type, data }) => type.startsWith('interaction.') && data.interaction_id === id);
        const [opened, ...rest] = about;
        const closed = rest.pop();
        expect([opened?.type, closed?.type]).toEqual(['interaction.opened', 'interaction.closed']);
        const most = story.reminders.get(id) ?? 0;
        expect(rest.length, id).toBeLessThanOrEqual(most);
        let before = { time: created, attempt: 0 };
        for (const { type, time, data } of rest) {
          expect(type).toBe('interaction.reminded');
          expect(data.of).toBe(most);
          expect(data.attempt, id).toBeGreaterThan(before.attempt);
          expect(data.attempt, id).toBeLessThanOrEqual(most);
          // Never a burst: two never come with the same alarm.
          expect(time, id).toBeGreaterThan(before.time);
          expect(time, id).toBeGreaterThanOrEqual(created + ((deadline - created) * data.attempt) / (most + 1));
          expect(time, id).toBeLessThan(deadline);
          before = { time, attempt: data.attempt };
        }
      }
    });
  });

  it('all come where nobody answers and no alarm is late', async () => {
    await inStorage((storage) => {
      const story = tell(storage, []);
      story.ask('ask_user', 60, 7);
      story.ask('permission');
      story.exit();
      story.end('container_exited');
      story.goWell();
      const reminded = story.store.log.read(0, 1000, 1e9).filter(({ type }) => type === 'interaction.reminded');
      const seconds = reminded.map(({ time }) => (time - (story.all()[0]?.created ?? 0)) / 1000);
      expect(seconds).toEqual([7.5, 15, 22.5, 30, 37.5, 45, 52.5, 600, 1200]);
    });
  });
});

describe('an answer that comes between Claude Code’s end and its container’s', () => {
  it('waits for the next one, and is not given to the one that is gone', async () => {
    await inStorage((storage) => {
      const story = tell(storage, []);
      story.ask('ask_user');
      story.goOnInBackground();
      story.exit();
      story.resolve(0, 1);
      story.end('container_exited');
      story.goWell();
      const [interaction] = story.all();
      expect(story.heard.get(interaction?.interaction_id ?? '')).toMatchObject([{ by: 'message' }]);
    });
  });
});

describe('a default that is due together with the end of its container', () => {
  it('is given to the next one by the first alarm, and once', async () => {
    await inStorage((storage) => {
      const story = tell(storage, []);
      story.ask('ask_user', 5);
      story.exit();
      story.pass(3601);
      story.alarm();
      story.goWell();
      const [interaction] = story.all();
      expect(story.heard.get(interaction?.interaction_id ?? '')).toMatchObject([{ by: 'message' }]);
    });
  });
});

describe('an answer that was not taken when its owner stopped the session', () => {
  it('does not wake it, and comes before the next message', async () => {
    await inStorage((storage) => {
      const story = tell(storage, []);
      story.ask('ask_user');
      story.resolve(0, 1);
      story.stop();
      story.end('stopped_by_user');
      expect(story.store.current.state).toMatchObject({ status: 'stopped', queue: [] });
      story.chat();
      const { queue } = story.store.current.state;
      const prompts = queue.map(({ message_id }) => story.store.messages.shortPrompt(message_id));
      expect(prompts).toEqual([expect.stringContaining('reply 1'), 'chat 1']);
    });
  });
});

describe('an answer that was not taken', () => {
  it.each([
    ['the agent waits no more', (story: Story) => story.withdraw()],
    ['its turn has ended', (story: Story) => story.endTurn(false)],
  ])('is not said to the next agent when %s', async (_, over) => {
    await inStorage((storage) => {
      const story = tell(storage, []);
      story.ask('permission');
      story.resolve(0, 1);
      over(story);
      story.end('container_exited');
      story.goWell();
      expect(story.all()).toMatchObject([{ state: 'resolved' }]);
      expect(story.heard.size).toBe(0);
    });
  });
});
