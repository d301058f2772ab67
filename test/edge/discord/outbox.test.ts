import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { textBody } from '../../../durable/discord/core/wire/message.ts';
import { refuse } from '../../support/discord/world.ts';
import { BOT, T0 } from './support/discord.ts';
import { A, ask, inObject, minutes, OutboxScene, say } from './support/outbox-scene.ts';
import { evict } from '../support/setup/evict.ts';

// It says what Discord did not take, each time.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  vi.spyOn(console, 'error').mockReturnValue(undefined);
});
afterEach(() => void vi.restoreAllMocks());

const answer = (scene: OutboxScene) =>
  scene.outbox.add('answer 1', {
    do: 'answer',
    to: 'channel',
    token: 'token',
    expires: 0,
    body: textBody('here'),
    file: null,
  });

const twenty = (letter: string) => Array.from({ length: 20 }, (_, at) => `${letter}${at}`);

describe('what is to be said', () => {
  it('is said in order in its place, and one place does not wait for another', () =>
    inObject(async (scene) => {
      scene.follow(A);
      for (const text of ['1', '2', '3']) {
        say(scene, `a${text}`, A);
        say(scene, `c${text}`);
      }
      await scene.pass(0);
      expect(scene.read(scene.threadOf(A))).toEqual(['a1', 'a2', 'a3']);
      expect(scene.read().filter((text) => /^c\d/.test(text))).toEqual(['c1', 'c2', 'c3']);
      expect(scene.outbox.nextTry()).toBeNull();
    }));

  it('waits where Discord says for how long, and nothing else waits with it', () =>
    inObject(async (scene) => {
      scene.follow(A);
      await scene.pass(minutes(1));
      scene.buckets.allow('POST /channels/:id/messages', { limit: 2, windowMs: 5000 });
      for (const text of ['1', '2', '3', '4', '5']) say(scene, `c${text}`);
      say(scene, 'a1', A);
      await scene.pass(0);
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
      expect(scene.read().slice(1)).toEqual(['c1', 'c2']);
      await scene.pass(minutes(1));
      expect(scene.read().slice(1)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5']);
      expect(scene.went.filter(({ status }) => status === 429)).toEqual([]);
    }));

  it('is said after a 429 that nobody could foresee, and once', () =>
    inObject(async (scene) => {
      scene.buckets.refuseShared('POST /channels/:id/messages', 30_000);
      for (const text of ['1', '2']) say(scene, text);
      await scene.pass(29_000);
      expect(scene.went).toHaveLength(1);
      await scene.pass(2000);
      expect(scene.read()).toEqual(['1', '2']);
    }));

  it('waits an hour for a Discord that is away, through an eviction, and comes in order, once, with nothing lost', async () => {
    const name = crypto.randomUUID();
    const stub = env.DISCORD.get(env.DISCORD.idFromName(name));
    await runInDurableObject(stub, async (_, { storage }) => {
      const scene = new OutboxScene(storage);
      scene.fault = 'down';
      scene.follow(A);
      for (let at = 0; at < 20; at += 1) {
        say(scene, `a${at}`, A);
        say(scene, `c${at}`);
        await scene.pass(minutes(1));
      }
    });
    await evict(stub);
    await runInDurableObject(stub, async (_, { storage }) => {
      const scene = new OutboxScene(storage);
      scene.now = T0 + minutes(20);
      scene.fault = 'down';
      await scene.pass(minutes(40));
      const tries = scene.went.length;
      expect(tries).toBe(0);
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.read(scene.threadOf(A))).toEqual(twenty('a'));
      expect(scene.read().filter((text) => text.startsWith('c'))).toEqual(twenty('c'));
      expect(scene.outbox.nextTry()).toBeNull();
    });
  });

  it('is said once where the answer to it was lost, with the object that waited for it as well', () =>
    inObject(async (scene) => {
      say(scene, 'one');
      scene.fault = 'lost';
      await scene.pass(0);
      scene.restart();
      scene.fault = 'none';
      await scene.pass(minutes(1));
      expect(scene.read()).toEqual(['one']);
    }));

  it.each([
    ['a text', (scene: OutboxScene) => say(scene, 'one')],
    [
      'a result, as a file',
      (scene: OutboxScene) => scene.outbox.say('channel', textBody('one'), { name: 'a', text: 'b' }),
    ],
    ['a question', (scene: OutboxScene) => ask(scene)],
    ['the answer to a command whose token was too old', (scene: OutboxScene) => answer(scene)],
  ])('is said once where Discord took it, was not heard, and was away for an hour: %s', (_what, begin) =>
    inObject(async (scene) => {
      begin(scene);
      scene.fault = 'lost';
      scene.outbox.send();
      await scene.settled();
      expect(scene.read()).toHaveLength(1);
      scene.restart();
      say(scene, 'after');
      scene.fault = 'down';
      await scene.pass(minutes(60));
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.read()).toEqual([expect.any(String), 'after']);
    }),
  );

  it('is said once where all answers are lost for an hour', () =>
    inObject(async (scene) => {
      scene.fault = 'lost';
      scene.follow(A);
      for (const text of ['1', '2']) {
        say(scene, `a${text}`, A);
        say(scene, `c${text}`);
      }
      await scene.pass(minutes(60));
      scene.fault = 'none';
      await scene.pass(minutes(3));
      expect(scene.read().toSorted()).toEqual(['c1', 'c2', '🧵 **work** · <@42>']);
      expect(scene.read(scene.threadOf(A))).toEqual(['a1', 'a2']);
    }));

  it('can be answered and withdrawn, though its message is only found again after an hour', () =>
    inObject(async (scene) => {
      const id = ask(scene);
      scene.fault = 'lost';
      scene.outbox.send();
      await scene.settled();
      const asked = scene.desk.asks.get(id);
      if (asked === null) throw new Error('it is asked');
      scene.fault = 'down';
      await scene.pass(minutes(60));
      scene.desk.asks.save({ ...asked.view, state: 'withdrawn' }, 'alice', scene.now);
      scene.outbox.add('channel', { do: 'show_ask', interaction_id: id });
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.world.shown(scene.channel)).toMatchObject([
        { rows: [], content: expect.stringContaining('Withdrawn') },
      ]);
    }));

  it('is not taken for what somebody else has written meanwhile, or for the same said earlier', () =>
    inObject(async (scene) => {
      say(scene, 'one');
      await scene.pass(minutes(1));
      scene.fault = 'down';
      say(scene, 'one');
      scene.outbox.send();
      await scene.settled();
      scene.world.post(scene.channel, { ...BOT, id: '8', bot: false }, { content: 'one' });
      await scene.pass(minutes(60));
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.read()).toEqual(['one', 'one', 'one']);
    }));

  it('is said by a bot that may not read what was said', () =>
    inObject(async (scene) => {
      scene.fault = 'down';
      say(scene, 'one');
      await scene.pass(minutes(60));
      scene.fault = 'none';
      scene.refuses = { what: /^GET /, with: refuse(403, 50_001, 'Missing Access') };
      await scene.pass(minutes(2));
      expect(scene.read()).toEqual(['one']);
    }));

  it('is looked after should the object be cut off while it is under way', () =>
    inObject(async (scene) => {
      say(scene, 'one');
      scene.fault = 'hangs';
      scene.outbox.send();
      await scene.settled();
      // The alarm is all that is left of the object then.
      const next = scene.outbox.nextTry();
      expect(next).toBeGreaterThan(scene.now);
      scene.restart();
      scene.fault = 'none';
      scene.now = next ?? 0;
      await scene.pass(0);
      expect(scene.read()).toEqual(['one']);
    }));

  it('is not taken for what an outbox that is gone said under the same number', () =>
    inObject(async (scene) => {
      say(scene, 'one');
      await scene.pass(minutes(1));
      await runInDurableObject(env.DISCORD.get(env.DISCORD.newUniqueId()), async (_, { storage }) => {
        const other = new OutboxScene(storage);
        Object.assign(other, { world: scene.world, channel: scene.channel, now: scene.now });
        other.restart();
        say(other, 'two');
        await other.pass(0);
      });
      expect(scene.read()).toEqual(['one', 'two']);
    }));

  it('goes to Discord a few at a time, however many places there are', () =>
    inObject(async (scene) => {
      for (let at = 10; at < 40; at += 1) {
        const session = scene.follow(`019ac1de-0000-7000-8000-0000000000${at}`);
        say(scene, `s${at}`, session);
      }
      await scene.pass(minutes(1));
      expect(scene.mostUnderWay).toBeLessThanOrEqual(6);
      expect(scene.world.threads()).toHaveLength(30);
      for (const { id } of scene.world.threads()) expect(scene.read(id)).toHaveLength(1);
    }));

  it('stops for a while where Discord does not know the token, and is said once it does', () =>
    inObject(async (scene) => {
      scene.follow(A);
      say(scene, 'a1', A);
      say(scene, 'c1');
      say(scene, 'c2');
      for (let at = 10; at < 40; at += 1) scene.follow(`019ac1de-0000-7000-8000-0000000000${at}`);
      scene.fault = 'unauthorized';
      await scene.pass(minutes(60));
      // Not once for each place.
      expect(scene.went.length).toBeLessThan(60);
      scene.fault = 'none';
      await scene.pass(minutes(11));
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
      expect(scene.read().filter((text) => text.startsWith('c'))).toEqual(['c1', 'c2']);
    }));

  it('waits for the leave to say it', () =>
    inObject(async (scene) => {
      say(scene, 'c1');
      scene.fault = 'forbidden';
      await scene.pass(minutes(60));
      expect(scene.went.length).toBeLessThan(15);
      scene.fault = 'none';
      await scene.pass(minutes(11));
      expect(scene.read()).toEqual(['c1']);
    }));

  it('waits where something answers that is not Discord', () =>
    inObject(async (scene) => {
      say(scene, 'c1');
      scene.fault = 'elsewhere';
      await scene.pass(minutes(30));
      scene.fault = 'none';
      await scene.pass(minutes(11));
      expect(scene.read()).toEqual(['c1']);
    }));

  it('is dropped after a week', () =>
    inObject(async (scene) => {
      scene.fault = 'down';
      say(scene, 'old');
      await scene.pass(minutes(60));
      scene.now += 7 * 24 * minutes(60);
      say(scene, 'new');
      scene.outbox.prune();
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.read()).toEqual(['new']);
    }));

  it('does not wait for ever behind something that cannot be done', () =>
    inObject(async (scene) => {
      // Not an id that fits into a button.
      ask(scene, { interaction_id: 'not a uuid' });
      say(scene, 'after');
      await scene.pass(minutes(5));
      expect(scene.read()).toEqual(['after']);
    }));
});
