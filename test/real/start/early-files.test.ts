import { afterAll, beforeAll, expect, test } from 'vitest';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { startUpstreamProxy } from '../../support/net/upstream-proxy.ts';

let service: Service;
let alice: Client;
beforeAll(async () => {
  service = await Service.start({ backend: 'process', vars: { ALLOWED_HOSTS: 'edge.test' } });
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

test('a runner reaches its edge through a company’s proxy: to enrol, to be told, for a session, for its files', async () => {
  await service.stopRunner();
  const proxy = await startUpstreamProxy();
  const edge = `edge.test:${new URL(service.url).port}`;
  const env = { EDGE_URL: `http://${edge}`, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
  await service.addRunner('behind-a-proxy', env);
  const id = await alice.createSession();
  expect((await put(id, 'a')).status).toBe(200);
  const read = script({ tool: 'Bash', input: { command: 'cat a' } }, { text: '{{last_tool_result}}' });
  expect((await alice.ask(id, read)).result).toBe('of a');
  // The code, the control socket, the file, and the session's own.
  expect(proxy.asked.length).toBeGreaterThanOrEqual(4);
  expect(new Set(proxy.asked)).toEqual(new Set([edge]));
  await alice.call('DELETE', `/sessions/${id}`);
  await service.removeRunner('behind-a-proxy');
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
