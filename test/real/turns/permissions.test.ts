import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agent, bash, byWord, says, turnsScene, type TurnsScene } from '../../support/turns.ts';

let scene: TurnsScene;
beforeAll(async () => {
  scene = await turnsScene(
    byWord({
      'wrote it': () => says('the subagent wrote it'),
      'go agent': () => agent('write a file'),
      'something else': () => says('an answer in between'),
      'write a file': () => bash('echo x > written'),
      'launched successfully': () => says('started'),
      tool_result: () => says('wrote it'),
    }),
  );
}, atMost(60));
afterAll(async () => await scene[Symbol.asyncDispose]());

test('a permission that a subagent waits for stays open over the ends of other turns, until it is answered', async () => {
  const { alice } = scene;
  const id = await alice.createSession({ permission_mode: 'ask' });
  const chat = { prompt: 'go agent', stream: false, wait: 'turn' };
  const { body: started } = await alice.call('POST', `/sessions/${id}/chat`, chat);
  expect(started).toMatchObject({ result: 'started', settled_at: null });
  const open = await until(async () => {
    const { body } = await alice.call('GET', `/sessions/${id}/interactions?state=open`);
    expect(body.data).toHaveLength(1);
    return body.data[0];
  });
  expect(open.subject).toMatchObject({ kind: 'permission', tool_name: 'Bash' });
  expect(await alice.ask(id, 'something else')).toMatchObject({ result: 'an answer in between' });
  const still = await alice.call('GET', `/sessions/${id}/interactions?state=open`);
  expect(still.body.data).toMatchObject([{ interaction_id: open.interaction_id }]);
  const path = `/sessions/${id}/interactions/${open.interaction_id}/resolve`;
  expect((await alice.call('POST', path, { decision: 'allow' })).status).toBe(200);
  await until(async () =>
    expect(await alice.message(id, started.message_id)).toMatchObject({
      result: 'the subagent wrote it',
      settled_at: expect.any(String),
    }),
  );
});
