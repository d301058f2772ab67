import { atMost } from '../../support/patience.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { says, turnsScene, type TurnsScene } from '../../support/turns.ts';

/** Which conversation a session goes on with. The model says whether it remembers a code. */

let scene: TurnsScene;
beforeAll(async () => {
  scene = await turnsScene((latest, all) => {
    const codes = [...all.matchAll(/the code is (\w+)/g)].map(([, code]) => code);
    return says(latest.includes('which code') ? `codes: ${[...new Set(codes)].join(' ') || 'none'}` : 'noted');
  });
}, atMost(60));
afterAll(async () => await scene[Symbol.asyncDispose]());

const parked = ({ status, files }: { status: string; files: { saved: boolean } }) =>
  status === 'stopped' && files.saved;

test('after /clear, a wake and a fork go on with the new conversation, never with the cleared one', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  await alice.ask(id, 'the code is heron');
  expect(await alice.ask(id, '/clear')).toMatchObject({ status: 'completed' });
  await alice.ask(id, 'the code is stork');
  const reset = (await alice.events(id)).find(({ type }) => type === 'session.conversation_reset');
  expect(reset.data.conversation_id).not.toBe(id);

  await alice.call('POST', `/sessions/${id}/stop`);
  await alice.until(id, parked);
  expect(await alice.ask(id, 'which code?')).toMatchObject({ result: 'codes: stork' });

  const fork = await alice.call('POST', `/sessions/${id}/fork`, {});
  expect(fork.status, JSON.stringify(fork.body)).toBe(201);
  expect(await alice.ask(fork.body.session_id, 'which code?')).toMatchObject({ result: 'codes: stork' });
});

test('a session that was cleared last and parked wakes with an empty conversation', async () => {
  const { alice } = scene;
  const id = await alice.createSession();
  await alice.ask(id, 'the code is heron');
  await alice.ask(id, '/clear');
  await alice.call('POST', `/sessions/${id}/stop`);
  await alice.until(id, parked);
  expect(await alice.ask(id, 'which code?')).toMatchObject({ result: 'codes: none' });
});
