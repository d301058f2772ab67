import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { attachment } from '../../../durable/discord/core/attachment.ts';
import { resolutionOf } from '../../../durable/shared/interactions/answers.ts';
import { textBody } from '../../../durable/discord/core/wire/message.ts';
import { OutboxTable } from '../../../durable/discord/tables/outbox-table.ts';
import { DiscordDesk } from '../../../durable/discord/desk.ts';
import type { InteractionView, ResolveRequest } from '../../../protocol/api/session/interaction.ts';
import { asking, named, permission, question, view } from '../../unit/durable/discord/core/view.ts';
import { ADA, DeskScene, OWNER, withDesk } from './support/desk.ts';
import { until } from '../../support/until.ts';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  vi.spyOn(console, 'error').mockReturnValue(undefined);
});
// `fetch` stays the last test's: what still waits somewhere is not to go anywhere.
afterEach(() => void vi.restoreAllMocks());

/** A session that asks one thing, as `Session` does: the first answer wins. */
class Asking {
  view: InteractionView;
  /** An answer is taken once this is done. */
  ready: Promise<void> = Promise.resolve();

  constructor(asked: InteractionView) {
    this.view = asked;
  }

  async interaction(person: string): Promise<object> {
    return person === OWNER ? this.view : { refused: 'session_not_found', detail: 'There is no such session.' };
  }

  async resolve(person: string, _id: string, request: ResolveRequest): Promise<object> {
    await this.ready;
    const fitted = resolutionOf(this.view.subject, request);
    if ('refused' in fitted) return fitted;
    if (this.view.state !== 'open') return { refused: 'interaction_closed', detail: 'alice answered it otherwise.' };
    this.view = { ...this.view, state: 'resolved', resolved_by: person, resolution: fitted.resolution };
    return this.view;
  }
}

const asked = async (scene: DeskScene, session: Asking) => {
  scene.hear(session.view, 'asked', 1);
  await until(() => scene.messageOf(session.view.interaction_id));
};

const option = (at: number) => ({ kind: 'option' as const, question: 0, option: at });

/** 3 seconds on a quiet machine, as all that waits here. */
const discordWaitsMs = () => inject('waitMs') / 10;

describe('Discord is answered within 3 seconds', () => {
  it('though the sessions cannot be listed: there is nothing to choose from', () =>
    withDesk({}, async (scene) => {
      const began = performance.now();
      expect(await scene.type('status', '')).toEqual({ type: 8, data: { choices: [] } });
      expect(performance.now() - began).toBeLessThan(discordWaitsMs());
    }));

  it('though the session does not answer to a press, and what comes of it is shown or told afterwards', () => {
    const session = new Asking(view());
    const { promise, resolve } = Promise.withResolvers<void>();
    session.ready = promise;
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      const began = performance.now();
      const both = [scene.press(session.view, option(0)), scene.press(session.view, option(1))];
      expect(await Promise.all(both)).toEqual([{ type: 6 }, { type: 6 }]);
      expect(performance.now() - began).toBeLessThan(discordWaitsMs());
      resolve();
      await until(() => expect(scene.discord.answers).toHaveLength(1));
      expect(scene.discord.answers).toMatchObject([{ by: 'POST', content: expect.stringContaining('too late') }]);
      expect((scene.discord.answers[0]?.flags ?? 0) & 64).toBe(64);
      scene.hear(session.view, 'closed', 2);
      await until(() => expect(scene.shown[0]).toMatchObject({ rows: [] }));
      expect(scene.shown[0]?.content).toContain(`by <@${ADA}>: **Red**`);
    });
  });

  it('though the session does not answer at all', () =>
    withDesk({}, async (scene) => {
      scene.hear(view(), 'asked', 1);
      await until(() => scene.messageOf(view().interaction_id));
      expect(await scene.press(view(), { kind: 'other', question: 0 })).toEqual({ type: 6 });
    }));

  it('though the session fails', () =>
    withDesk({ session: { interaction: () => Promise.reject(new Error('moved')) } }, async (scene) => {
      scene.hear(view(), 'asked', 1);
      await until(() => scene.messageOf(view().interaction_id));
      expect(await scene.press(view(), { kind: 'option', question: 0, option: 0 })).toMatchObject({
        type: 4,
        data: { content: expect.stringContaining('Press again') },
      });
    }));

  it('though the command takes for ever', () =>
    withDesk({}, async (scene) => {
      expect(await scene.command('start', { prompt: 'Go' })).toMatchObject({ type: 5 });
      expect(await scene.command('list')).toMatchObject({ type: 5, data: { flags: 64 } });
    }));
});

describe('a session’s question', () => {
  const form = asking(...named(8).map((name, at) => question([`${name} a`, `${name} b`], { question: `Q${at + 1}` })));

  it('of many is answered page by page, with what was typed, and sent together', () => {
    const session = new Asking(form);
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      const page = await scene.press(form, { kind: 'page', page: 1 });
      expect(page).toMatchObject({ type: 7, data: { content: expect.stringContaining('Page 2 of 3') } });
      for (let at = 0; at < 8; at += 1) {
        const typed = at % 2 === 0;
        const answer = typed
          ? await scene.submit(form, at, `Typed ${at}`)
          : await scene.press(form, { kind: 'select', question: at }, ['1']);
        expect(answer).toMatchObject({ type: 7 });
      }
      expect(await scene.press(form, { kind: 'send' })).toMatchObject({ type: 7, data: { components: [] } });
      expect(session.view.resolution).toEqual({
        kind: 'answers',
        answers: named(8).map((name, at) => (at % 2 === 0 ? `Typed ${at}` : `${name} b`)),
      });
    });
  });

  it('is not sent before each has an answer', () => {
    const session = new Asking(form);
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      await scene.submit(form, 0, 'One');
      expect(await scene.press(form, { kind: 'send' })).toMatchObject({ type: 7 });
      expect(session.view.state).toBe('open');
    });
  });

  it('is not answered by a modal of nothing but blanks', () => {
    const session = new Asking(view());
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      expect(await scene.press(session.view, { kind: 'other', question: 0 })).toMatchObject({ type: 9 });
      expect(await scene.submit(session.view, 0, ' \n ')).toMatchObject({ type: 4, data: { flags: 64 } });
      expect(session.view.state).toBe('open');
    });
  });

  it('is not answered by somebody who may not, nor does anything change', () => {
    const session = new Asking(permission({ command: 'rm -r /' }));
    return withDesk({ session }, async (scene) => {
      await scene.link('66', 'mallory');
      await asked(scene, session);
      const allow = { kind: 'decision' as const, decision: 'allow' as const };
      const said = await scene.press(session.view, allow, [], '66');
      expect(said).toMatchObject({ type: 4, data: { content: expect.stringContaining('no such session'), flags: 64 } });
      expect(await scene.press(session.view, allow, [], '67')).toMatchObject({ data: { flags: 64 } });
      expect(session.view.state).toBe('open');
      expect(scene.shown[0]?.rows).toHaveLength(1);
    });
  });

  it('that was withdrawn is told of as that, by whichever button is left', () => {
    const session = new Asking(permission({ command: 'ls' }));
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      session.view = { ...session.view, state: 'withdrawn' };
      const answer = await scene.press(session.view, { kind: 'decision', decision: 'allow' });
      expect(answer).toMatchObject({
        type: 7,
        data: { content: expect.stringContaining('Withdrawn'), components: [] },
      });
    });
  });

  it('is asked once, however often its session tells', () => {
    const session = new Asking(view());
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      scene.hear(session.view, 'asked', 1);
      scene.hear({ ...session.view, interaction_id: crypto.randomUUID() }, 'asked', 2);
      await until(() => expect(scene.shown).toHaveLength(2));
    });
  });

  it('has no buttons any more once the session is deleted', () => {
    const session = new Asking(view());
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      const message = scene.messageOf(session.view.interaction_id);
      scene.desk.sessionDeleted(session.view.session_id);
      scene.desk.sessionDeleted(session.view.session_id);
      await until(() => expect(scene.shown).toMatchObject([{ id: message, rows: [] }]));
      expect(scene.shown[0]?.content).toContain('Withdrawn');
      await until(() => {
        for (const table of ['asks', 'heard', 'threads', 'outbox']) {
          expect([...scene.storage.sql.exec(`SELECT * FROM ${table}`)]).toEqual([]);
        }
      });
    });
  });

  it('that is closed after its owner has unlinked has no buttons any more, and no other is asked', () => {
    const session = new Asking(view());
    return withDesk({ session }, async (scene) => {
      await asked(scene, session);
      scene.desk.unlink(OWNER);
      scene.hear({ ...session.view, interaction_id: crypto.randomUUID() }, 'asked', 2);
      scene.hear({ ...session.view, state: 'withdrawn' }, 'closed', 3);
      await until(() => expect(scene.shown).toMatchObject([{ rows: [] }]));
    });
  });

  it('of an owner without any account here leaves nothing behind', () =>
    withDesk({}, async (scene) => {
      const updates = [{ n: 1, update: { kind: 'asked' as const, view: view() } }];
      scene.desk.sessionUpdated({ session_id: view().session_id, owner: 'nobody' }, updates);
      expect([...scene.storage.sql.exec('SELECT * FROM heard')]).toEqual([]);
    }));
});

it('an answer that is longer than a message comes as a file, and is not lost', async () => {
  const nodes = Array.from({ length: 15 }, () => ({
    session_id: crypto.randomUUID(),
    status: 'idle',
    title: '*'.repeat(200),
    total_cost_usd: 1,
  }));
  await withDesk({ directory: { list: () => Promise.resolve({ data: nodes, total: 15 }) } }, async (scene) => {
    await scene.command('list');
    await until(() => expect(scene.discord.answers).toMatchObject([{ by: 'PATCH' }]));
    expect(scene.discord.answers[0]?.content.length).toBeLessThanOrEqual(2000);
  });
});

it('a code is good for ten minutes', () =>
  withDesk({}, async (scene) => {
    const { code } = scene.desk.mintCode('bob');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 60_000 });
    try {
      const answer = await scene.command('link', { code }, '70');
      expect(answer).toMatchObject({ data: { content: expect.stringContaining('too old') } });
      expect(scene.desk.linked('bob')).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  }));

it('a command that was taken by a desk that is gone is carried out by the next one, under the same id', async () => {
  const made: unknown[] = [];
  const directory = { create: (input: { session_id: string }) => (made.push(input.session_id), new Promise(() => {})) };
  await withDesk({ directory }, async (scene) => {
    await scene.command('start', { prompt: 'Go' });
    await until(() => expect(made).toHaveLength(1));
    expect(await scene.storage.getAlarm()).not.toBeNull();
    const next = new DeskScene(scene.state, { directory });
    next.desk.alarm();
    await until(() => expect(made).toHaveLength(2));
    expect(new Set(made).size).toBe(1);
  });
});

it('a desk whose settings were taken away says nothing to anybody, and keeps nothing busy', async () => {
  const asked = vi.fn<typeof fetch>();
  vi.stubGlobal('fetch', asked);
  await runInDurableObject(env.DISCORD.get(env.DISCORD.newUniqueId()), async (_, state) => {
    const desk = new DiscordDesk(state, env);
    const errand = { do: 'say', to: 'channel', body: textBody('one'), file: null } as const;
    new OutboxTable(state.storage.sql).add('channel', errand, Date.now());
    desk.alarm();
    desk.progress('some session', 'working');
    expect(asked).not.toHaveBeenCalled();
    expect(await state.storage.getAlarm()).toBeNull();
  });
});

it('a file is no larger than what can be stored, and says that it was cut', () => {
  expect(attachment('a', 'ö'.repeat(1000)).text).toBe('ö'.repeat(1000));
  for (const unit of ['a', 'ö', '\u0001', '🎈', '"']) {
    const { text } = attachment('a', unit.repeat(3_000_000));
    expect(new TextEncoder().encode(JSON.stringify(text)).length).toBeLessThanOrEqual(1_500_000);
    expect(text).toMatch(/^[^[]{100000}.*\[Cut here/su);
    expect(text.isWellFormed()).toBe(true);
  }
});
