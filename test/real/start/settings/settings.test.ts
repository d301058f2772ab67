import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { startService, type RunningService } from '../../../support/data-fixture/service.ts';
import { Client, script } from '../../../support/e2e/client.ts';
import { until } from '../../../support/until.ts';

/** The service on the process backend, with the real `claude` and the demo model. */

let folder: string;
let service: RunningService;
let client: Client;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-settings-'));
  service = await startService(folder, {});
  client = new Client(service.url, await mintToken(service.secret, { kind: 'user', sub: 'alice', ttlSeconds: 3600 }));
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The `nth` thing (from 1) that the session has asked people. */
const asked = async (id: string, nth: number): Promise<string> =>
  await until(async () => {
    const { body } = await client.call('GET', `/sessions/${id}/interactions`);
    expect(body.data).toHaveLength(nth);
    return body.data[nth - 1].interaction_id as string;
  });

const decide = async (id: string, interaction: string, decision: string) =>
  await client.call('POST', `/sessions/${id}/interactions/${interaction}/resolve`, { decision });

/** The mode and the model of each turn, as `claude` itself says. */
async function turns(id: string): Promise<string[]> {
  const events = await client.events(id);
  return events
    .filter(({ type, data }) => type === 'system' && data.subtype === 'init')
    .map(({ data }) => `${data.permissionMode} ${data.model}`);
}

test('after a plan was approved, the session goes on as approved, over a stop too', async () => {
  const id = await client.createSession({ permission_mode: 'plan' });
  const planned = client.ask(id, script({ tool: 'ExitPlanMode', input: {} }, { text: 'I begin.' }));
  await decide(id, await asked(id, 1), 'allow');
  expect(await planned).toMatchObject({ status: 'completed', result: 'I begin.' });
  expect(await client.show(id)).toMatchObject({ permission_mode: 'ask', config: { permission_mode: 'plan' } });

  await client.park(id);
  const write = { tool: 'Write', input: { file_path: '{{cwd}}/a.md', content: 'a' } };
  const goesOn = client.ask(id, script(write, { text: 'done' }));
  await decide(id, await asked(id, 2), 'allow_session');
  expect(await goesOn).toMatchObject({ status: 'completed', result: 'done' });
  expect((await client.show(id)).permission_mode).toBe('accept_edits');

  await client.park(id);
  await client.ask(id, script(write, { text: 'unasked' }));
  expect((await turns(id)).map((turn) => turn.split(' ')[0])).toEqual(['plan', 'default', 'acceptEdits']);
  const settings = (await client.events(id)).filter(({ type }) => type === 'session.settings');
  expect(settings.map(({ data }) => data.permission_mode)).toEqual(['ask', 'accept_edits']);
});

test('a model that is set, or named with /model, holds at once and over a stop', async () => {
  const id = await client.createSession({ model: 'opus' });
  const change = async (body: object) => expect((await client.call('PATCH', `/sessions/${id}`, body)).status).toBe(200);
  const modelNow = async () => (await turns(id)).at(-1)?.split(' ')[1];
  await client.ask(id, 'one');
  expect(await modelNow()).toContain('opus');
  await change({ model: 'haiku' });
  await client.ask(id, 'two');
  expect(await modelNow()).toContain('haiku');
  await client.ask(id, '/model sonnet');
  expect((await client.show(id)).model).toBe('sonnet');
  await client.park(id);
  await client.ask(id, 'three');
  expect(await modelNow()).toContain('sonnet');
  await client.park(id);
  await change({ model: 'haiku', title: 'three models' });
  await client.ask(id, 'four');
  expect(await modelNow()).toContain('haiku');
  expect(await client.show(id)).toMatchObject({ model: 'haiku', title: 'three models', config: { model: 'opus' } });
});
