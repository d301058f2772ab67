import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refuse } from '../../support/discord/world.ts';
import { A, ask, inObject, minutes, say, type OutboxScene } from './support/outbox-scene.ts';

// It says what Discord did not take, each time.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  vi.spyOn(console, 'error').mockReturnValue(undefined);
});
afterEach(() => void vi.restoreAllMocks());

const NO_HISTORY = refuse(403, 160_002, 'Cannot reply without permission to read message history');
const NO_LEAVE = refuse(403, 50_013, 'Missing Permissions');
const HARMFUL = refuse(400, 240_000, 'Message blocked by harmful links filter');

const remind = ({ outbox }: OutboxScene, interaction_id: string) =>
  outbox.add('channel', { do: 'remind', interaction_id, attempt: 1, of: 3 });

const withdraw = (scene: OutboxScene, id: string, session: string) => {
  const asked = scene.desk.asks.get(id);
  if (asked === null) throw new Error('it is asked');
  scene.desk.asks.save({ ...asked.view, state: 'withdrawn' }, 'alice', scene.now);
  scene.outbox.add(`thread ${session}`, { do: 'show_ask', interaction_id: id });
};

describe('a reminder', () => {
  it('that may not be a reply, for the bot may not read what was said, keeps nothing else waiting', () =>
    inObject(async (scene) => {
      const id = ask(scene);
      await scene.pass(minutes(2));
      // What comes next is no reply.
      scene.refuses = { what: /^POST \/channels\/\d+\/messages$/m, with: NO_HISTORY };
      remind(scene, id);
      await scene.pass(0);
      scene.refuses = null;
      say(scene, 'after');
      await scene.pass(0);
      expect(scene.read().slice(1)).toEqual(['after']);
    }));

  it('of a question whose channel is gone asks it anew, in the one that the settings name now', () =>
    inObject(async (scene) => {
      const id = ask(scene);
      await scene.pass(minutes(2));
      scene.world.deleteChannel(scene.channel);
      Object.assign(scene, { channel: scene.world.addChannel('another') });
      scene.restart();
      remind(scene, id);
      await scene.pass(minutes(1));
      expect(scene.world.shown(scene.channel)).toMatchObject([{ rows: [['Red', 'Blue', 'Other…']] }]);
    }));
});

describe('a thread', () => {
  it('is begun once the bot may write into the channel', () =>
    inObject(async (scene) => {
      scene.refuses = { what: /^POST /, with: NO_LEAVE };
      scene.follow(A);
      say(scene, 'a1', A);
      await scene.pass(minutes(30));
      scene.refuses = null;
      await scene.pass(minutes(11));
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
    }));

  it('that the bot may not begin: the channel has its words, and which session asks', () =>
    inObject(async (scene) => {
      scene.refuses = { what: /threads$/m, with: NO_LEAVE };
      scene.follow(A);
      say(scene, 'a1', A);
      ask(scene, {}, A);
      await scene.pass(minutes(1));
      expect(scene.read()).toEqual(['🧵 **work** · <@42>', 'a1', expect.stringContaining(`session ${A.slice(-8)}`)]);
    }));

  it('is begun once the bot sees the channel again', () =>
    inObject(async (scene) => {
      scene.refuses = { what: /threads$/m, with: refuse(403, 50_001, 'Missing Access') };
      scene.follow(A);
      say(scene, 'a1', A);
      await scene.pass(minutes(30));
      scene.refuses = null;
      await scene.pass(minutes(11));
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
    }));

  it('that Discord has begun without our hearing of it has what was to be said there', () =>
    inObject(async (scene) => {
      scene.refuses = { what: /threads$/m, with: refuse(503, 0, 'unavailable') };
      scene.follow(A);
      say(scene, 'a1', A);
      await scene.pass(0);
      scene.world.startThread(scene.channel, scene.desk.thread(A)?.anchor_id ?? '', 'work');
      scene.refuses = null;
      await scene.pass(minutes(1));
      expect(scene.world.threads()).toHaveLength(1);
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
    }));

  it.each([
    ['locked', refuse(400, 160_005, 'Thread is locked')],
    ['locked and archived', refuse(400, 50_083, 'Thread is archived')],
  ])('that is %s has what was to be said there once it is not', (_how, refusal) =>
    inObject(async (scene) => {
      scene.follow(A);
      await scene.pass(0);
      scene.refuses = { what: new RegExp(`/channels/${scene.threadOf(A)}/`), with: refusal };
      for (const text of ['a1', 'a2']) say(scene, text, A);
      say(scene, 'c1');
      await scene.pass(minutes(30));
      expect(scene.read()).toContain('c1');
      expect(scene.went.length).toBeLessThan(20);
      scene.refuses = null;
      await scene.pass(minutes(11));
      expect(scene.read(scene.threadOf(A))).toEqual(['a1', 'a2']);
    }),
  );

  it('that is archived is opened again, though Discord is away or wants us to wait just then', () =>
    inObject(async (scene) => {
      scene.follow(A);
      const id = ask(scene, {}, A);
      await scene.pass(0);
      const thread = scene.threadOf(A);
      for (const refusal of [refuse(503, 0, 'unavailable'), refuse(429, 0, 'You are being rate limited.')]) {
        scene.world.archive(thread);
        scene.refuses = { what: /^PATCH \/channels\/\d+$/m, with: refusal };
        withdraw(scene, id, A);
        await scene.pass(minutes(2));
        scene.refuses = null;
        await scene.pass(minutes(3));
        expect(scene.world.shown(thread)).toMatchObject([{ rows: [], content: expect.stringContaining('Withdrawn') }]);
      }
    }));
});

describe('what Discord does not take', () => {
  it('leaves a word where it was to be said', () =>
    inObject(async (scene) => {
      scene.follow(A);
      await scene.pass(0);
      scene.refuses = { what: /harmful/, with: HARMFUL };
      say(scene, 'see http://harmful.example', A);
      await scene.pass(0);
      say(scene, 'after', A);
      await scene.pass(0);
      expect(scene.read(scene.threadOf(A))).toEqual([expect.stringContaining('did not take'), 'after']);
    }));

  it('and what is said of that neither, is not said for ever', () =>
    inObject(async (scene) => {
      scene.refuses = { what: /./, with: HARMFUL };
      ask(scene);
      say(scene, 'see http://harmful.example');
      await scene.pass(minutes(60));
      expect(scene.went).toHaveLength(4);
      expect(scene.outbox.nextTry()).toBeNull();
    }));
});

describe('a session that was deleted', () => {
  it('is forgotten, though Discord was away for so long that the rest was dropped', () =>
    inObject(async (scene) => {
      scene.follow(A);
      scene.desk.setLastUpdate(A, 3);
      ask(scene, {}, A);
      await scene.pass(0);
      scene.fault = 'down';
      say(scene, 'deleted', A);
      scene.outbox.forget({ thread_of: A }, A);
      await scene.pass(minutes(1));
      scene.now += 8 * 24 * minutes(60);
      scene.outbox.prune();
      expect(scene.desk.thread(A)).toBeNull();
      expect(scene.desk.lastUpdate(A)).toBe(0);
      expect(scene.desk.asks.openOf(A)).toEqual([]);
    }));
});

describe('an urgent question', () => {
  it('of an owner with very many accounts is asked', () =>
    inObject(async (scene) => {
      for (let at = 0; at < 120; at += 1) scene.desk.link(String(10n ** 18n + BigInt(at)), 'alice');
      ask(scene, { priority: 'urgent' });
      await scene.pass(0);
      const [asked] = scene.world.shown(scene.channel) ?? [];
      expect(asked?.called.users.length).toBeGreaterThan(10);
      expect(asked?.rows).toEqual([['Red', 'Blue', 'Other…']]);
    }));

  it('of a session that somebody began who is not its owner’s any more calls its owner’s accounts', () =>
    inObject(async (scene) => {
      for (const user of ['42', '51']) scene.desk.link(user, 'alice');
      scene.follow(A);
      ask(scene, { priority: 'urgent' }, A);
      await scene.pass(0);
      scene.desk.link('42', 'bob');
      ask(scene, { priority: 'urgent' }, A);
      await scene.pass(0);
      const called = scene.world.shown(scene.threadOf(A))?.map((message) => message.called.users);
      expect(called).toEqual([['42'], ['51']]);
    }));
});
