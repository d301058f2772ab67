import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { asking, question, view } from '../../unit/durable/discord/core/view.ts';
import { ADA, OWNER, withDesk, type DeskScene } from './support/desk.ts';
import { until } from '../../support/until.ts';

let failed: MockInstance<typeof console.error>;
beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  failed = vi.spyOn(console, 'error').mockReturnValue(undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const asked = async (scene: DeskScene, of: ReturnType<typeof view>) => {
  scene.hear(of, 'asked', 1);
  await until(() => scene.messageOf(of.interaction_id));
};
const option = { kind: 'option' as const, question: 0, option: 0 };
const told = (text: string) => ({ type: 4, data: { content: expect.stringContaining(text), flags: 64 } });

describe('a question that is somebody else’s to answer', () => {
  const form = { ...asking(question(), question()), answerers: ['bob'] };
  const session = { interaction: () => Promise.resolve(form) };

  it.each([
    ['chooses nothing in it', { kind: 'select', question: 0 }],
    ['opens no modal of it', { kind: 'other', question: 0 }],
    ['turns no page of it', { kind: 'page', page: 0 }],
  ] as const)('though it is of one’s own session: who presses %s', (_what, act) =>
    withDesk({ session }, async (scene) => {
      await asked(scene, form);
      expect(await scene.press(form, act, ['0'])).toMatchObject(told('"bob" alone'));
      expect([...scene.storage.sql.exec('SELECT draft FROM asks')]).toEqual([{ draft: '[]' }]);
    }),
  );
});

describe('a press that comes to nothing says what is so', () => {
  it('of a question whose time is up just then, that nobody answered it', () => {
    const detail = 'Nobody answered by its deadline, which ended it.';
    const session = {
      interaction: () => Promise.resolve(view()),
      resolve: () => Promise.resolve({ refused: 'interaction_closed', detail }),
    };
    return withDesk({ session }, async (scene) => {
      await asked(scene, view());
      const answer = await scene.press(view(), option);
      expect(answer).toMatchObject(told(detail));
      expect(JSON.stringify(answer)).not.toContain('faster');
    });
  });

  it('not that nothing was changed, where the session may have taken it', () => {
    const session = {
      interaction: () => Promise.resolve(view()),
      resolve: () => Promise.reject(new Error('it moved, and had taken it')),
    };
    return withDesk({ session }, async (scene) => {
      await asked(scene, view());
      const answer = await scene.press(view(), option);
      expect(answer).toMatchObject(told('again'));
      expect(JSON.stringify(answer)).not.toContain('nothing was changed');
    });
  });
});

it('who unlinks has no code out any more with which somebody could link again', () =>
  withDesk({}, async (scene) => {
    const { code } = scene.desk.mintCode(OWNER);
    const others = scene.desk.mintCode('bob');
    scene.desk.unlink(OWNER);
    expect(await scene.command('link', { code }, '66')).toMatchObject(told('not good'));
    expect(scene.desk.linked(OWNER)).toEqual([]);
    expect(await scene.command('link', { code: others.code }, '67')).toMatchObject(told('bob'));
  }));

describe('what is said elsewhere', () => {
  const sent = { directory: { has: () => true }, session: { chat: () => Promise.resolve({ message_id: 'x' }) } };
  const session = '019ac1de-0000-7000-8000-0000000000aa';

  it('is not said in the channel, should Discord take no answer there any more', () =>
    withDesk(sent, async (scene) => {
      scene.discord.takesTokens = false;
      expect(await scene.command('say', { prompt: 'A secret', session }, ADA, '999')).toEqual({ type: 5 });
      expect(await scene.command('say', { prompt: 'For all', session }, ADA, scene.discord.channel)).toEqual({
        type: 5,
      });
      await until(() => expect(scene.discord.read()).toEqual(['💬 For all']));
      await until(() => expect([...scene.storage.sql.exec('SELECT * FROM outbox')]).toEqual([]));
      expect(scene.discord.read()).toEqual(['💬 For all']);
    }));
});

describe('a command', () => {
  it.each([
    ['model', 'no such; model'],
    ['workspace', '../up'],
  ])('with a %s that is no good says which option that was', (option, value) =>
    withDesk({}, async (scene) => {
      await scene.command('start', { prompt: 'Go', [option]: value });
      await until(() => expect(scene.discord.answers).toHaveLength(1));
      expect(scene.discord.answers[0]?.content).toContain(`\`${option}\` must be`);
    }),
  );

  it('that fails, and takes for ever when it is tried again, does not keep the desk busy', () => {
    let calls = 0;
    const list = () => ((calls += 1) === 1 ? Promise.reject(new Error('moved')) : new Promise(() => {}));
    return withDesk({ directory: { list } }, async (scene) => {
      await scene.command('list');
      await until(() => expect(failed).toHaveBeenCalled());
      const later = Date.now() + 10_000;
      vi.useFakeTimers({ toFake: ['Date'], now: later });
      scene.desk.alarm();
      expect(calls).toBe(2);
      scene.desk.alarm();
      await scene.storage.sync();
      expect(await scene.storage.getAlarm()).toBeGreaterThan(later);
    });
  });

  it('that is given up says which it was, and whose', () =>
    withDesk({ directory: { create: () => Promise.reject(new Error('moved')) } }, async (scene) => {
      scene.discord.takesTokens = false;
      await scene.command('start', { prompt: 'Go' });
      await until(() => expect(failed).toHaveBeenCalled());
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
      scene.desk.alarm();
      await until(() => expect(scene.discord.read()).toHaveLength(1));
      expect(scene.discord.read()[0]).toContain('`/claude start`');
      expect(scene.discord.read()[0]).toContain(`<@${ADA}>`);
      expect(scene.shown[0]?.called.users).toEqual([]);
    }));
});
