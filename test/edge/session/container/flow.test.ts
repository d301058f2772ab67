import { beforeEach, expect, test } from 'vitest';
import { LINK_FLOOD_EVENTS } from '../../../../protocol/settings/limits.ts';
import { operatorSets } from '../../support/operator.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer } from '../../support/runner.ts';
import { ran, show, type Ran } from '../../support/scene.ts';

beforeEach(emptyPool);

const line = (n: number) => ({ type: 'system', n });
const lines = (count: number, from = 1) => Array.from({ length: count }, (_, at) => line(from + at));

/** The numbers of the lines in the log. */
const logged = async ({ user, id }: Ran) =>
  (await user.events(id)).filter(({ type }) => type === 'system').map(({ data }) => data['n']);

const isAck = ({ kind }: { kind: string }) => kind === 'ack';
const ack = (container: FakeContainer, stored: number) =>
  container.data.next(({ kind, stored: told }) => kind === 'ack' && told === stored);

test('what a container says beyond its rate is stored as it comes, and acknowledged when its time has come', async () => {
  operatorSets({ EVENTS_PER_SECOND: 2 });
  const scene = await ran();
  const { container } = scene;
  container.say(...lines(19));
  await container.stored();
  container.say(...lines(10, 20));
  expect(await logged(scene)).toEqual(lines(29).map(({ n }) => n));
  expect(container.data.unread(isAck)).toBe(0);
  await ack(container, 30);
});

test('bytes have a rate of their own', async () => {
  operatorSets({ EVENT_KB_PER_SECOND: 1 });
  const scene = await ran();
  const { container } = scene;
  container.say({ type: 'system', n: 1, filler: 'x'.repeat(12 * 1024) });
  container.data.send({ kind: 'items', first: 3, items: [JSON.stringify(line(2))] });
  expect(await logged(scene)).toEqual([1, 2]);
  expect(container.data.unread(isAck)).toBe(0);
  await ack(container, 3);
});

test('another connection is told what is stored, nothing is lost or doubled, and the rate goes on', async () => {
  operatorSets({ EVENTS_PER_SECOND: 1 });
  const scene = await ran();
  scene.container.say(...lines(40));
  expect(await logged(scene)).toHaveLength(40);
  const again = await FakeContainer.connect(scene.container.launch);
  expect(await again.data.next(({ kind }) => kind === 'welcome')).toMatchObject({ kind: 'welcome', stored: 41 });
  again.sayFrom(40, ...lines(3, 39));
  expect(await logged(scene)).toEqual(lines(41).map(({ n }) => n));
  expect(again.data.unread(isAck)).toBe(0);
});

test('previews beyond the rate are not shown, and what is said is', async () => {
  operatorSets({ EVENTS_PER_SECOND: 1 });
  const scene = await ran();
  const viewer = await scene.user.open(scene.id, '?after=0');
  for (let n = 0; n < 50; n += 1) {
    scene.container.data.send({ kind: 'preview', line: JSON.stringify({ type: 'stream_event', n }) });
  }
  scene.container.say(line(1));
  const seen = await viewer.events(({ type, data }) => type === 'system' && data?.n === 1);
  const previews = seen.filter(({ type }) => type === 'stream_event');
  expect(previews.length).toBeGreaterThan(5);
  expect(previews.length).toBeLessThan(20);
});

test('a container that sends on although nothing is acknowledged is ended, with the setting as the reason', async () => {
  operatorSets({ EVENTS_PER_SECOND: 1 });
  const scene = await ran();
  const { user, id, container, runner } = scene;
  const { body: sent } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'Flood me.' });
  for (let n = 0; n * 200 < LINK_FLOOD_EVENTS + 400; n += 1) container.say(...lines(200, n * 200));
  expect((await container.data.closed()).code).toBe(4410);
  const reason = { code: 'event_flood', detail: expect.stringContaining('EVENTS_PER_SECOND') };
  expect(await show(user, id)).toMatchObject({ status: 'failed', reason });
  expect((await user.call('GET', `/sessions/${id}/messages/${sent.message_id}`)).body).toMatchObject({
    status: 'failed',
    error: reason,
  });
  await runner.control.next(({ kind, session_id }) => kind === 'stop' && session_id === id);
  // What came until then is kept.
  expect((await show(user, id)).last_seq).toBeGreaterThan(LINK_FLOOD_EVENTS);
});

test('without bounds, whatever comes is acknowledged at once', async () => {
  operatorSets({ EVENTS_PER_SECOND: 0, EVENT_KB_PER_SECOND: 0 });
  const scene = await ran();
  for (let n = 0; n < 60; n += 1) scene.container.say(...lines(200, n * 200));
  await scene.container.stored();
  expect(await show(scene.user, scene.id)).toMatchObject({ status: 'idle' });
});
