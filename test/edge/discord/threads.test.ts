import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UNKNOWN_MESSAGE } from '../../support/discord/world.ts';
import { A, ask, inObject, minutes, say } from './support/outbox-scene.ts';

// It says what Discord did not take, each time.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  vi.spyOn(console, 'error').mockReturnValue(undefined);
});
afterEach(() => void vi.restoreAllMocks());

describe('a thread', () => {
  it('is begun once, though the answer to that was lost', () =>
    inObject(async (scene) => {
      scene.follow(A);
      say(scene, 'a1', A);
      await scene.pass(-1);
      scene.now += 1;
      scene.fault = 'lost';
      await scene.pass(minutes(3));
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.world.threads()).toHaveLength(1);
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
      expect(scene.read()).toEqual(['🧵 **work** · <@42>']);
    }));

  it('is not taken for that of another session with the same name', () =>
    inObject(async (scene) => {
      scene.follow(A);
      await scene.pass(0);
      scene.fault = 'down';
      const other = scene.follow('019ac1de-0000-7000-8000-0000000000bb');
      await scene.pass(minutes(60));
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.world.threads()).toHaveLength(2);
      expect(scene.threadOf(other)).not.toBe(scene.threadOf(A));
    }));

  it('that was deleted: what was for it goes into the channel, in order, once', () =>
    inObject(async (scene) => {
      scene.follow(A);
      say(scene, 'a1', A);
      await scene.pass(0);
      scene.world.deleteChannel(scene.threadOf(A));
      scene.outbox.progress(A, 'working');
      for (const text of ['a2', 'a3', 'a4']) say(scene, text, A);
      await scene.pass(minutes(5));
      expect(scene.read().slice(1)).toEqual(['a2', 'a3', 'a4']);
      expect(scene.desk.thread(A)).toBeNull();
    }));

  it('that was deleted with a question in it: the channel has the question, with its buttons', () =>
    inObject(async (scene) => {
      scene.follow(A);
      const id = ask(scene, {}, A);
      await scene.pass(0);
      const thread = scene.threadOf(A);
      expect(scene.world.shown(thread)?.[0]?.rows).toHaveLength(1);
      scene.world.deleteChannel(thread);
      scene.outbox.progress(A, 'working');
      await scene.pass(minutes(5));
      const [, asked, ...others] = scene.world.shown(scene.channel) ?? [];
      expect(asked).toMatchObject({ content: expect.stringContaining('session'), rows: [['Red', 'Blue', 'Other…']] });
      expect(others).toEqual([]);
      expect(scene.desk.asks.get(id)).toMatchObject({ channel_id: scene.channel, message_id: asked?.id });
    }));

  it('that is archived is opened again to say what became of a question, and for progress', () =>
    inObject(async (scene) => {
      scene.follow(A);
      const id = ask(scene, {}, A);
      scene.outbox.progress(A, 'one');
      await scene.pass(0);
      const thread = scene.threadOf(A);
      scene.world.archive(thread);
      const asked = scene.desk.asks.get(id);
      if (asked === null) throw new Error('it is asked');
      scene.desk.asks.save({ ...asked.view, state: 'withdrawn' }, 'alice', scene.now);
      scene.outbox.add(`thread ${A}`, { do: 'show_ask', interaction_id: id });
      await scene.pass(minutes(1));
      expect(scene.world.shown(thread)?.[0]).toMatchObject({ rows: [], content: expect.stringContaining('Withdrawn') });
      scene.world.archive(thread);
      scene.outbox.progress(A, 'two');
      await scene.pass(minutes(1));
      expect(scene.read(thread).slice(1)).toEqual(['one', 'two']);
    }));

  it('of a channel that is not there any more waits until another one is named', () =>
    inObject(async (scene) => {
      scene.world.deleteChannel(scene.channel);
      scene.follow(A);
      say(scene, 'a1', A);
      say(scene, 'c1');
      await scene.pass(minutes(60));
      expect(scene.went.length).toBeLessThan(25);
      scene.world.addChannel('agents', null, scene.channel);
      await scene.pass(minutes(11));
      expect(scene.read(scene.threadOf(A))).toEqual(['a1']);
      expect(scene.read()).toContain('c1');
    }));
});

describe('a message that a thread was to be on', () => {
  it('and that somebody deletes at once, is not made without end', () =>
    inObject(async (scene) => {
      scene.refuses = { what: /threads$/m, with: UNKNOWN_MESSAGE };
      scene.follow(A);
      await scene.pass(minutes(5));
      expect(scene.went.length).toBeLessThan(40);
      scene.refuses = null;
      await scene.pass(minutes(2));
      expect(scene.world.threads()).toHaveLength(1);
    }));
});

describe('progress', () => {
  it('is one message, shown as it is by then and no faster than every two seconds', () =>
    inObject(async (scene) => {
      scene.follow(A);
      for (let at = 0; at < 100; at += 1) {
        scene.outbox.progress(A, `step ${at}`);
        await scene.pass(100);
      }
      await scene.pass(minutes(1));
      const thread = scene.threadOf(A);
      expect(scene.read(thread)).toEqual(['step 99']);
      const edits = scene.went.filter(({ request }) => request.includes(`/channels/${thread}/`));
      expect(edits.length).toBeGreaterThan(4);
      expect(edits.length).toBeLessThanOrEqual(7);
      for (const [at, { at: when }] of edits.entries()) {
        const before = edits[at - 1];
        if (before !== undefined) expect(when - before.at).toBeGreaterThanOrEqual(2000);
      }
    }));

  it('keeps what comes after it waiting for nothing', () =>
    inObject(async (scene) => {
      scene.follow(A);
      scene.outbox.progress(A, 'one');
      await scene.pass(0);
      scene.outbox.progress(A, 'two');
      say(scene, 'the result', A);
      await scene.pass(0);
      expect(scene.read(scene.threadOf(A))).toEqual(['two', 'the result']);
    }));

  it('after a turn has ended is a message of its own, below the result', () =>
    inObject(async (scene) => {
      scene.follow(A);
      scene.outbox.progress(A, 'one');
      say(scene, 'the result', A);
      scene.outbox.progress(A, 'done');
      scene.outbox.add(`thread ${A}`, { do: 'end_progress', session_id: A });
      scene.outbox.progress(A, 'the next');
      await scene.pass(minutes(1));
      expect(scene.read(scene.threadOf(A))).toEqual(['done', 'the result', 'the next']);
    }));

  it.each(['lost', 'cut off'])('whose first message was %s shows how it ended', (how) =>
    inObject(async (scene) => {
      scene.follow(A);
      await scene.pass(0);
      scene.outbox.progress(A, 'working');
      scene.fault = 'lost';
      scene.outbox.send();
      await scene.settled();
      if (how === 'cut off') scene.restart();
      scene.outbox.progress(A, 'stopped');
      scene.fault = 'none';
      await scene.pass(minutes(1));
      expect(scene.read(scene.threadOf(A))).toEqual(['stopped']);
    }),
  );

  it('whose message was deleted begins another', () =>
    inObject(async (scene) => {
      scene.follow(A);
      scene.outbox.progress(A, 'one');
      await scene.pass(minutes(1));
      const thread = scene.threadOf(A);
      scene.world.remove(thread, scene.desk.thread(A)?.progress_id ?? '');
      scene.outbox.progress(A, 'two');
      await scene.pass(minutes(1));
      expect(scene.read(thread)).toEqual(['two']);
    }));

  it('of an hour goes on in another message: the edits of an old one are limited', () =>
    inObject(async (scene) => {
      scene.follow(A);
      scene.outbox.progress(A, 'one');
      await scene.pass(minutes(59));
      scene.outbox.progress(A, 'two');
      await scene.pass(minutes(1));
      expect(scene.read(scene.threadOf(A))).toEqual(['one', 'two']);
    }));
});
