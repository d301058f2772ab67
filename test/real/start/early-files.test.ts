import { afterAll, beforeAll, expect, test } from 'vitest';
import { Service } from '../../support/e2e/service.ts';
import type { Client } from '../../support/e2e/client.ts';

let service: Service;
let alice: Client;
beforeAll(async () => {
  service = await Service.start({ backend: 'process' });
  alice = await service.client('alice');
});
afterAll(async () => {
  await alice?.deleteSessions();
  await service?.stop();
});

const put = (id: string, name: string) => alice.raw('PUT', `/sessions/${id}/files/${name}`, { body: `of ${name}` });
const names = async (answer: Response) =>
  JSON.parse(await answer.text()).data.map(({ path }: { path: string }) => path);

test('what is sent or asked for in the first moment of a session waits for its place', async () => {
  const id = await alice.createSession();
  const written = await put(id, 'first');
  expect([written.status, await written.text()]).toEqual([200, expect.any(String)]);
  expect(await names(await alice.raw('GET', `/sessions/${id}/files`))).toEqual(['first']);
});

test('also while no runner is there; one that comes in time is enough', async () => {
  await service.stopRunner();
  const id = await alice.createSession();
  const calls = [
    ...['a', 'b'].map((name) => put(id, name)),
    alice.raw('GET', `/sessions/${id}/files`),
    alice.raw('POST', `/sessions/${id}/snapshots`),
  ];
  await alice.until(id, ({ reason }) => reason?.code === 'no_runner');
  await service.startRunner();
  expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 202]);
  expect((await names(await alice.raw('GET', `/sessions/${id}/files`))).toSorted()).toEqual(['a', 'b']);
});

test('when none comes, each says so and when to come again; a stop or a deletion ends the wait at once', async () => {
  await service.stopRunner();
  const [id, stopped, deleted] = [
    await alice.createSession(),
    await alice.createSession(),
    await alice.createSession(),
  ];
  const ending = [put(stopped, 'a'), put(deleted, 'a')];
  await alice.until(stopped, ({ reason }) => reason?.code === 'no_runner');
  await alice.call('POST', `/sessions/${stopped}/stop`);
  await alice.call('DELETE', `/sessions/${deleted}`);
  expect((await Promise.all(ending)).map(({ status }) => status)).toEqual([503, 404]);
  await service.stopEdge();
  await service.startEdge({ PLACE_TIMEOUT: '1' });
  const refused = await Promise.all([put(id, 'a'), alice.raw('POST', `/sessions/${id}/snapshots`)]);
  for (const answer of refused) {
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10']);
    expect(JSON.parse(await answer.text())).toMatchObject({
      code: 'files_unavailable',
      detail: expect.stringContaining('PLACE_TIMEOUT'),
    });
  }
});
