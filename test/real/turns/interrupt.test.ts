import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agent, bash, byWord, says, turnsScene, type TurnsScene } from '../../support/turns.ts';

let scene: TurnsScene;
beforeAll(async () => {
  scene = await turnsScene(
    byWord({
      'turn left': () => says('turned left'),
      'go shell': () => bash('sleep 1', { run_in_background: true }),
      'go both': () => [...bash('tail -f /dev/null', { run_in_background: true }), ...agent('never ends')],
      'never ends': () => bash('tail -f /dev/null'),
      'long work': () => bash('sleep 4; echo slept'),
      slept: () => says('the work is done'),
      'task-notification': () => bash('tail -f /dev/null'),
      tool_result: () => says('started'),
    }),
  );
}, atMost(60));
afterAll(async () => await scene[Symbol.asyncDispose]());

test('an interrupt ends a turn that claude began itself', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  await alice.ask(id, 'go shell');
  await alice.until(id, ({ status }) => status === 'running');
  const { body } = await alice.call('POST', `/sessions/${id}/interrupt`);
  expect(body).toEqual({ interrupted: true, message_id: null });
  await alice.until(id, ({ status }) => status === 'idle');
  const ended = (await alice.events(id)).find(({ type }) => type === 'turn.ended');
  expect(ended.data).toMatchObject({ origin: 'agent', status: 'interrupted' });
  // It took effect in `claude`: the container is the same.
  expect(await alice.show(id)).toMatchObject({ epoch: 1 });
  expect(await alice.ask(id, 'turn left')).toMatchObject({ result: 'turned left' });
});

test('an interrupt spares what runs in the background, unless that is to end too', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  await alice.call('POST', `/sessions/${id}/chat`, { prompt: 'go both', stream: false, wait: 'turn' });
  const kinds = async () => (await alice.show(id)).background_tasks.map(({ kind }: { kind: string }) => kind);
  expect((await kinds()).toSorted()).toEqual(['agent', 'shell']);
  await alice.tell(id, 'long work');
  await alice.until(id, ({ status }) => status === 'running');
  await alice.call('POST', `/sessions/${id}/interrupt`);
  await alice.until(id, ({ status }) => status === 'idle');
  expect((await kinds()).toSorted()).toEqual(['agent', 'shell']);
  await alice.call('POST', `/sessions/${id}/interrupt`, { background: true });
  await alice.until(id, ({ background_tasks }) => background_tasks.length === 0);
});

test('an interrupt while the container starts keeps the message from beginning', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  const first = await alice.tell(id, 'long work');
  const second = await alice.tell(id, 'turn left');
  const { body } = await alice.call('POST', `/sessions/${id}/interrupt`);
  expect(body).toEqual({ interrupted: true, message_id: first });
  expect(await alice.message(id, first)).toMatchObject({ status: 'interrupted', error: { code: 'interrupted' } });
  await until(async () => expect(await alice.message(id, second)).toMatchObject({ status: 'completed' }));
});

test('a message is steered into the running turn, or ends it first', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  const work = await alice.tell(id, 'long work');
  await alice.until(id, ({ status }) => status === 'running');
  const steered = await alice.call('POST', `/sessions/${id}/chat`, {
    prompt: 'turn left',
    stream: false,
    delivery: 'steer',
  });
  expect(steered.body).toMatchObject({ status: 'completed', result: 'turned left' });
  // One turn answered both.
  expect(await alice.message(id, work)).toMatchObject({ status: 'completed', result: 'turned left' });
  const { body } = await alice.call('GET', `/sessions/${id}/turns`);
  expect(body.data).toMatchObject([{ origin: 'user', message_ids: [work, steered.body.message_id] }]);

  const more = await alice.tell(id, 'long work');
  const waiting = await alice.tell(id, 'turn left');
  await alice.until(id, ({ status }) => status === 'running');
  const urgent = await alice.call('POST', `/sessions/${id}/chat`, {
    prompt: 'turn left',
    stream: false,
    delivery: 'interrupt',
  });
  expect(urgent.body).toMatchObject({ status: 'completed', result: 'turned left' });
  expect(await alice.message(id, more)).toMatchObject({ status: 'interrupted' });
  await until(async () => expect(await alice.message(id, waiting)).toMatchObject({ status: 'completed' }));
  const processing = (await alice.events(id))
    .filter(({ type }) => type === 'message.processing')
    .map(({ data }) => data.message_id);
  expect(processing.slice(-2)).toEqual([urgent.body.message_id, waiting]);
});
