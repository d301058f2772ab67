import { afterEach, expect, test, vi } from 'vitest';
import { answerInTime } from '../../../../functions/discord/answer-in-time.ts';
import { discordInteraction, INTERACTION } from '../../../../protocol/api/discord.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** What Discord is answered while the desk does that. */
async function answer(desk: Promise<object>, type: number): Promise<{ ms: number; body: unknown }> {
  const data = { name: 'claude', options: [], custom_id: 'x', component_type: 2, components: [] };
  const message = { id: '9', channel_id: '8' };
  const interaction = discordInteraction.parse({ id: '1', application_id: '7', token: 'token', type, data, message });
  if (interaction.type === INTERACTION.ping) throw new Error('that is nobody’s');
  const began = performance.now();
  const body = await answerInTime(desk, interaction);
  return { ms: performance.now() - began, body };
}

const PRIVATE = { type: 4, data: { flags: 64, allowed_mentions: { parse: [] } } };

test('Discord is answered within 3 seconds though the desk does not answer', async () => {
  vi.useFakeTimers();
  const never = new Promise<never>(() => {});
  const asked = Promise.all([2, 3, 4, 5].map((type) => answer(never, type)));
  await vi.advanceTimersByTimeAsync(3000);
  const answers = await asked;
  for (const { ms } of answers) expect(ms).toBeLessThan(2900);
  const [command, press, autocomplete, modal] = answers.map(({ body }) => body);
  expect(autocomplete).toEqual({ type: 8, data: { choices: [] } });
  for (const said of [command, press, modal]) expect(said).toMatchObject(PRIVATE);
});

test('and though it fails', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue(undefined);
  expect((await answer(Promise.reject(new Error('moved')), 2)).body).toMatchObject(PRIVATE);
  expect(log).toHaveBeenCalledOnce();
});

test('what the desk answers is the answer', async () => {
  expect((await answer(Promise.resolve({ type: 5 }), 2)).body).toEqual({ type: 5 });
});
