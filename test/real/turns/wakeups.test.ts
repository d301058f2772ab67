import { atMost } from '../../support/patience.ts';
import type { Block } from '../../support/wrapper/scripted-model.ts';
import { until } from '../../support/until.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byWord, says, turnsScene, type TurnsScene } from '../../support/turns.ts';

const wakeup = (in_seconds: number): Block[] => [
  { tool: 'mcp__cc-docker__schedule_wakeup', input: { in_seconds, prompt: 'the alarm rang' } },
];

let scene: TurnsScene;
beforeAll(async () => {
  scene = await turnsScene(
    byWord({
      'wake me soon': () => wakeup(3),
      'wake me late': () => wakeup(10),
      'alarm rang': () => says('I am up'),
      wakeup_id: () => says('scheduled'),
    }),
  );
}, atMost(60));
afterAll(async () => await scene[Symbol.asyncDispose]());

/** The session's agent schedules a wake-up. @returns when it is due */
async function scheduled(id: string, prompt: string): Promise<number> {
  const { alice } = scene;
  expect(await alice.ask(id, prompt)).toMatchObject({ status: 'completed', result: 'scheduled' });
  const { data } = (await alice.events(id)).find(({ type }) => type === 'wakeup.scheduled');
  return Date.parse(data.at);
}

/** What the wake-up has led to, once it has ended. */
const woken = (id: string) =>
  until(async () => {
    const [, message] = (await scene.alice.call('GET', `/sessions/${id}/messages`)).body.data;
    expect(message?.finished_at).toEqual(expect.any(String));
    return message;
  });

const AWAKE = { origin: 'agent', status: 'completed', result: 'I am up', error: null };

test('a parked session is woken at the time that its agent has set, with the conversation as it was', async () => {
  const { alice } = scene;
  const id = await alice.createSession({ idle_timeout_seconds: 1 });
  const due = await scheduled(id, 'wake me soon');
  const message = await woken(id);
  expect(message).toMatchObject(AWAKE);
  expect(Date.parse(message.started_at)).toBeGreaterThanOrEqual(due);
  const events = await alice.events(id);
  expect(events.find(({ type }) => type === 'wakeup.fired').data.message_id).toBe(message.message_id);
  expect((await alice.show(id)).epoch).toBe(2);
  const starts = events.filter(({ type, data }) => type === 'system' && data.subtype === 'init');
  expect(new Set(starts.map(({ data }) => data.session_id)).size).toBe(1);
});

test('a wake-up that falls due while the edge is down comes once the edge is back', async () => {
  const { alice, service } = scene;
  const id = await alice.createSession();
  const due = await scheduled(id, 'wake me late');
  await alice.park(id);
  await service.stopEdge();
  await until(() => expect(Date.now()).toBeGreaterThan(due));
  const back = Date.now();
  await service.startEdge();
  const message = await woken(id);
  expect(message).toMatchObject(AWAKE);
  expect(Date.parse(message.created_at)).toBeGreaterThanOrEqual(back);
});
