import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { textBody } from '../../../durable/discord/core/wire/message.ts';
import { permission } from '../../unit/durable/discord/core/view.ts';
import { T0 } from './support/discord.ts';
import { A, ask, inObject, minutes, type OutboxScene } from './support/outbox-scene.ts';

// It says what Discord did not take, each time.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  vi.spyOn(console, 'error').mockReturnValue(undefined);
});
afterEach(() => void vi.restoreAllMocks());

const B = '019ac1de-0000-7000-8000-0000000000bb';

const answer = (scene: OutboxScene, expires: number, session?: string) =>
  scene.outbox.add('answer 1', {
    do: 'answer',
    to: session === undefined ? 'channel' : { thread_of: session },
    token: 'token',
    expires,
    body: textBody('here'),
    file: null,
  });

const remind = ({ outbox }: OutboxScene, interaction_id: string, attempt: number) =>
  outbox.add('channel', { do: 'remind', interaction_id, attempt, of: 100 });

describe('the answer to a command', () => {
  it('is a message of the bot once its token is too old', () =>
    inObject(async (scene) => {
      scene.fault = 'down';
      answer(scene, T0 + minutes(14));
      await scene.pass(minutes(15));
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.read()).toEqual(['here']);
      expect(scene.went.at(-1)?.request).toBe(`POST /channels/${scene.channel}/messages`);
    }));

  it('is said in the thread where the command was, should Discord not know the token any more', () =>
    inObject(async (scene) => {
      scene.follow(A);
      await scene.pass(0);
      answer(scene, T0 + minutes(14), A);
      await scene.pass(minutes(1));
      expect(scene.read(scene.threadOf(A))).toEqual(['here']);
    }));
});

it('what comes of a press is told though Discord has the first answer to it only just after', () =>
  inObject(async (scene) => {
    scene.takesTokens = true;
    scene.hasAnswers = false;
    scene.outbox.add('whisper 1', { do: 'whisper', token: 'token', expires: T0 + minutes(14), text: 'Too late' });
    await scene.pass(200);
    scene.hasAnswers = true;
    await scene.pass(1000);
    expect(scene.answers).toEqual([{ by: 'POST', content: 'Too late', flags: 4 | 64 }]);
  }));

describe('a question', () => {
  it('is reminded of once a minute at most', () =>
    inObject(async (scene) => {
      const id = ask(scene);
      await scene.pass(0);
      for (let attempt = 1; attempt <= 100; attempt += 1) {
        await scene.pass(3000);
        remind(scene, id, attempt);
      }
      await scene.pass(0);
      const [, ...reminders] = scene.read();
      expect(reminders).toHaveLength(5);
    }));

  it('that waited with all its reminders for Discord comes alone', () =>
    inObject(async (scene) => {
      scene.fault = 'down';
      const id = ask(scene);
      for (let attempt = 1; attempt <= 10; attempt += 1) {
        await scene.pass(minutes(5));
        remind(scene, id, attempt);
      }
      scene.fault = 'none';
      await scene.pass(minutes(2));
      expect(scene.read()).toHaveLength(1);
    }));

  it('whose message was deleted is asked again, rather than reminded of', () =>
    inObject(async (scene) => {
      const id = ask(scene);
      await scene.pass(minutes(2));
      scene.world.remove(scene.channel, scene.desk.asks.get(id)?.message_id ?? '');
      remind(scene, id, 1);
      await scene.pass(minutes(1));
      expect(scene.world.shown(scene.channel)).toMatchObject([{ rows: [['Red', 'Blue', 'Other…']] }]);
    }));

  it('that is urgent calls all accounts of whose it is, and no other does', () =>
    inObject(async (scene) => {
      for (const user of ['51', '52']) scene.desk.link(user, 'alice');
      scene.desk.link('53', 'bob');
      ask(scene, { priority: 'urgent' });
      ask(scene, { priority: 'high' });
      await scene.pass(0);
      expect(scene.world.shown(scene.channel)?.map(({ called }) => called.users)).toEqual([['51', '52'], []]);
    }));

  it('names who answered it, by the account that pressed', () =>
    inObject(async (scene) => {
      for (const user of ['51', '52']) scene.desk.link(user, 'alice');
      const ids = [ask(scene), ask(scene)];
      await scene.pass(0);
      const [first = '', second = ''] = ids;
      scene.desk.asks.answered(first, '52');
      for (const id of [first, second]) {
        const asked = scene.desk.asks.get(id);
        if (asked === null) throw new Error('it is asked');
        const resolution = { kind: 'answers' as const, answers: ['Red'] };
        scene.desk.asks.save(
          { ...asked.view, state: 'resolved', resolved_by: 'alice', resolution },
          'alice',
          scene.now,
        );
        scene.outbox.add('channel', { do: 'show_ask', interaction_id: id });
      }
      await scene.pass(0);
      expect(scene.read()).toEqual([expect.stringContaining('by <@52>'), expect.stringContaining('by **alice**')]);
    }));

  it('with a long input has the whole of it as a file, and pings nobody by it', () =>
    inObject(async (scene) => {
      scene.desk.asks.save(permission({ command: '@everyone '.repeat(500) }), 'alice', scene.now);
      scene.outbox.add('channel', { do: 'ask', to: 'channel', interaction_id: permission(null).interaction_id });
      await scene.pass(0);
      expect(scene.world.shown(scene.channel)).toMatchObject([{ called: { everyone: false }, files: [{}] }]);
    }));
});

it('what is closed is forgotten after a month, and what is open is not', () =>
  inObject(async (scene) => {
    const [open, closed] = [ask(scene), ask(scene, { state: 'withdrawn' })];
    scene.follow(B);
    scene.desk.setLastUpdate(B, 5);
    expect(scene.desk.isFirst('1', scene.now)).toBe(true);
    scene.desk.addCode('CODE', 'alice', scene.now + 1000);
    const later = scene.now + 31 * 24 * minutes(60);
    scene.desk.prune(later);
    expect([scene.desk.asks.get(open)?.interaction_id, scene.desk.asks.get(closed)]).toEqual([open, null]);
    expect(scene.desk.isFirst('1', later)).toBe(true);
    expect(scene.desk.takeCode('CODE', scene.now)).toBeNull();
    scene.desk.forget(B);
    expect([scene.desk.thread(B), scene.desk.lastUpdate(B)]).toEqual([null, 0]);
    await scene.pass(0);
  }));

it('what is said of a failure is never longer than a message may be', () =>
  inObject(async (scene) => {
    scene.outbox.say('channel', textBody('*'.repeat(3000)));
    await scene.pass(0);
    expect(scene.read()[0]).toHaveLength(2000);
  }));
