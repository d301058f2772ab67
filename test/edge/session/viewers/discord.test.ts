import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, test, vi } from 'vitest';
import type { DeskUpdate, NumberedDeskUpdate } from '../../../../durable/rpc/discord-rpc.ts';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { SessionAssembly } from '../../../../durable/session/assembly.ts';
import { emptyPool } from '../../support/pool.ts';
import { ran, sessionObject } from '../../support/scene.ts';

/** What a session that has a thread on Discord sends there of turns that the agent begins itself. */

beforeEach(emptyPool);

const result = (text: string, more: object) =>
  JSON.stringify({
    type: 'result',
    subtype: 'success',
    is_error: false,
    terminal_reason: 'completed',
    result: text,
    ...more,
  });

test('what the agent says in a turn of its own is sent once, and what it said before once too, though Discord was away', async () => {
  vi.spyOn(console, 'error').mockReturnValue(undefined);
  const { user, id, container } = await ran();
  await sessionObject(id).followOnDiscord(user.name);
  await user.call('POST', `/sessions/${id}/chat`, { prompt: 'begin a task' });
  const { message_id } = await container.prompt();
  await runInDurableObject(sessionObject(id), async (_, ctx) => {
    const told: DeskUpdate[] = [];
    let isAway = true;
    const sessionUpdated = (_session: object, updates: readonly NumberedDeskUpdate[]): void => {
      if (isAway) throw new Error('away');
      told.push(...updates.map(({ update }) => update));
    };
    const desk = { sessionUpdated, progress: () => {} };
    const DISCORD = { idFromName: (name: string) => name, get: () => desk };
    const others: EdgeEnv = Object.assign(Object.create(null), env, {
      DISCORD,
      DISCORD_BOT_TOKEN: 'secret',
      DISCORD_CHANNEL_ID: '70',
    });
    const parts = new SessionAssembly(ctx, others);
    const say = (...lines: string[]) => parts.store.change((tx) => tx.link.take(tx.record.link.stored + 1, lines));
    say(result('It has begun.', { user_message_uuids: [message_id] }));
    say(JSON.stringify({ type: 'system', subtype: 'init' }));
    say(result('The task found 42.', { origin: { kind: 'task-notification', runId: 'r1' } }));
    isAway = false;
    const said = () => {
      parts.discord.send();
      return told.flatMap((update) => (update.kind === 'ended' ? [update.result.result] : []));
    };
    await expect.poll(said).toHaveLength(2);
    expect(said()).toEqual(['It has begun.', 'The task found 42.']);
  });
});
