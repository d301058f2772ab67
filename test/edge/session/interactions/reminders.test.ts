import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askLeave, askQuestion, askUser, later, ofType, resolve, view, working, type Scene } from './support/asking.ts';
import { OWNER, withDesk } from '../../discord/support/desk.ts';
import { emptyPool } from '../../support/pool.ts';
import { sessionObject } from '../../support/scene.ts';
import { until } from '../../../support/until.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const reminders = (scene: Scene) => ofType(scene, 'interaction.reminded');

describe('a question that says how often people are to be reminded', () => {
  it('reminds who watches, evenly until its deadline, and then ends', async () => {
    const scene = await working();
    const viewer = await scene.user.open(scene.id, '?format=events');
    const interaction_id = await askUser(scene, { timeout_seconds: 400, max_attempts: 3 });
    const { deadline } = await view(scene, interaction_id);
    await later(scene.id, 99);
    expect(await reminders(scene)).toEqual([]);
    for (const attempt of [1, 2, 3]) {
      await later(scene.id, attempt === 1 ? 2 : 100);
      const told = await viewer.events(({ type }) => type === 'interaction.reminded');
      expect(told.at(-1)).toMatchObject({ data: { interaction_id, attempt, of: 3, deadline } });
    }
    await later(scene.id, 100);
    expect((await view(scene, interaction_id)).state).toBe('expired');
    expect(await reminders(scene)).toHaveLength(3);
  });

  it('reminds of nothing once it is closed', async () => {
    const scene = await working();
    const answered = await askUser(scene, { timeout_seconds: 400, max_attempts: 3 });
    const taken_back = await askUser(scene, { timeout_seconds: 400, max_attempts: 3 });
    await later(scene.id, 101);
    await resolve(scene, answered, { answer: '80' });
    scene.container.say({ notice: 'tool_cancelled', call_id: taken_back });
    await scene.container.stored();
    await later(scene.id, 100);
    await later(scene.id, 300);
    expect(await reminders(scene)).toMatchObject([{ interaction_id: answered }, { interaction_id: taken_back }]);
  });

  it('reminds once of all that was missed while the edge was down, and goes on from there', async () => {
    const scene = await working();
    await askUser(scene, { timeout_seconds: 1000, max_attempts: 9 });
    await evict(sessionObject(scene.id));
    await later(scene.id, 750);
    expect(await reminders(scene)).toMatchObject([{ attempt: 7, of: 9 }]);
    await later(scene.id, 60);
    expect(await reminders(scene)).toMatchObject([{ attempt: 7 }, { attempt: 8 }]);
  });

  it('reminds no more where the edge was down until its deadline', async () => {
    const scene = await working();
    const question = await askUser(scene, { timeout_seconds: 100, max_attempts: 9 });
    await evict(sessionObject(scene.id));
    await later(scene.id, 101);
    expect((await view(scene, question)).state).toBe('expired');
    expect(await reminders(scene)).toEqual([]);
  });

  it('goes on with it while the session is parked', async () => {
    const scene = await working();
    const question = await askUser(scene, { timeout_seconds: 300, max_attempts: 2 });
    await scene.user.call('POST', `/sessions/${scene.id}/stop`);
    await scene.runner.end(scene.container, 'stopped_by_user');
    await later(scene.id, 101);
    await later(scene.id, 100);
    expect(await reminders(scene)).toMatchObject([
      { interaction_id: question, attempt: 1 },
      { interaction_id: question, attempt: 2 },
    ]);
    expect(await view(scene, question)).toMatchObject({ state: 'open', detached: true });
  });

  it('reminds by itself, without anybody who calls', async () => {
    const scene = await working();
    const viewer = await scene.user.open(scene.id, '?format=events');
    await askUser(scene, { timeout_seconds: 10, max_attempts: 9 });
    const seen = await viewer.events(({ type }) => type === 'interaction.reminded');
    expect(seen.at(-1)).toMatchObject({ data: { attempt: 1, of: 9 } });
  });
});

describe('a session that says how often people are to be reminded', () => {
  it('reminds of permissions, and of questions that do not say', async () => {
    const scene = await working({ interaction_reminders: 1, interaction_timeout_seconds: 200 });
    const asked = [await askLeave(scene), await askQuestion(scene), await askUser(scene)];
    await askUser(scene, { max_attempts: 0 });
    await later(scene.id, 101);
    const told = await reminders(scene);
    expect(told.map(({ interaction_id }) => interaction_id)).toEqual(asked);
    for (const one of told) expect(one).toMatchObject({ attempt: 1, of: 1 });
  });

  it('reminds of nothing unasked', async () => {
    const scene = await working({ interaction_timeout_seconds: 200 });
    await askLeave(scene);
    await askUser(scene);
    await later(scene.id, 199);
    await runDurableObjectAlarm(sessionObject(scene.id));
    expect(await reminders(scene)).toEqual([]);
  });
});

it.each([
  ['how often, at most as often as the operator says', { max_attempts: 100 }, '(reminder 2 of 3)'],
  ['less often than the operator', { max_attempts: 1 }, '(reminder 1 of 1)'],
  ['nothing of it, as often as the operator says', {}, '(reminder 2 of 3)'],
])('a question over Discord that says %s', (_what, often, text) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  return withDesk({}, async (scene) => {
    const id = crypto.randomUUID();
    const input = { question: 'Go?', timeout_seconds: 4000, ...often };
    scene.desk.ask(OWNER, { id, key: undefined, input });
    await until(() => scene.messageOf(id));
    vi.setSystemTime(Date.now() + 2_100_000);
    scene.discord.now = Date.now();
    scene.desk.alarm();
    await until(() => expect(scene.shown.at(-1)?.content).toContain(text));
  });
});
