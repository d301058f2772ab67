import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';
import { nextSpare, parkedSpares, spareOf } from '../../support/warm/spares.ts';

const bash = (command: string) => script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' });

let service: Service;
let alice: Client;
/** The last session that was started. */
let last: string;

beforeAll(async () => {
  service = await Service.start({ backend: 'process', runnerEnv: { WARM_SESSIONS: '1' } });
  alice = await service.client('alice');
});
afterAll(async () => await service?.stop());

/** The wrapper of a spare. */
const wrapperOf = (spare: string): number =>
  JSON.parse(readFileSync(path.join(service.folder, 'runner', 'spares', spare, 'process.json'), 'utf8')).pid;

const isThere = (pid: number) =>
  existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');

test('a spare whose claude dies is replaced, and a session takes the new one with all that it asks for', async () => {
  const first = await nextSpare(service);
  const wrapper = wrapperOf(first);
  const [claude = ''] = readFileSync(`/proc/${wrapper}/task/${wrapper}/children`, 'utf8').split(' ');
  process.kill(Number(claude), 'SIGKILL');
  const second = await until(async () => {
    const others = (await readdir(path.join(service.folder, 'runner', 'spares'))).filter((name) => name !== first);
    expect(parkedSpares(service)).toContain(others[0]);
    return others[0];
  });

  const id = await alice.createSession({ model: 'haiku-4', system_prompt: 'The word is walrus.' });
  expect((await alice.ask(id, 'My favourite colour is teal.')).status).toBe('completed');
  const { result } = await alice.ask(id, bash('pwd; echo kept > a.txt; mktemp -d > /dev/null && echo made'));
  expect(spareOf(service, id)).toBe(second);
  expect(result.trim().split('\n')).toEqual([service.workspace(id), 'made']);
  expect(await readFile(service.workspace(id, 'a.txt'), 'utf8')).toBe('kept\n');
  const events = await alice.events(id);
  expect(events.filter(({ type }) => type === 'session.ready')).toHaveLength(1);
  const models = events.flatMap(({ type, data }) => (type === 'assistant' ? [data.message.model] : []));
  expect(models.every((model: string) => model.includes('haiku'))).toBe(true);

  // Its conversation has the spare's id, and goes on in a start that is cold.
  await alice.park(id);
  expect((await alice.ask(id, script({ text: 'You said: {{first_prompt}}' }))).result).toBe(
    'You said: My favourite colour is teal.',
  );
  expect(await alice.show(id)).toMatchObject({ epoch: 2 });
  expect(service.log.split('"event":"spare claimed"')).toHaveLength(2);
  await alice.deleteSessions();
});

test('files that were there before are the agent’s; settings among them that a spare cannot take start claude anew', async () => {
  const workspace = { type: 'persistent', id: 'with-settings' };
  const before = await alice.createSession({ max_turns: 7 }, workspace);
  const settings = JSON.stringify({ env: { FROM_SETTINGS: 'yes' } });
  await alice.ask(before, bash(`mkdir .claude; echo '${settings}' > .claude/settings.json; echo mine > b.txt`));
  await alice.park(before);
  // A spare is made for sessions like that one.
  await nextSpare(service, before);
  const id = await alice.createSession({ max_turns: 7 }, workspace);
  expect((await alice.ask(id, bash('cat b.txt; echo $FROM_SETTINGS'))).result.trim()).toBe('mine\nyes');
  expect(spareOf(service, id)).toBeDefined();
  last = id;
  expect((await alice.events(id)).filter(({ type }) => type === 'session.ready')).toHaveLength(1);
  await alice.deleteSessions();
});

test('a spare that does not answer costs the session nothing but time', async () => {
  const spare = await nextSpare(service, last);
  const wrapper = wrapperOf(spare);
  process.kill(wrapper, 'SIGSTOP');
  const id = await alice.createSession({ max_turns: 7 });
  expect((await alice.ask(id, bash('pwd'))).result.trim()).toBe(service.workspace(id));
  expect(spareOf(service, id)).toBeUndefined();
  expect(service.log).toContain('a spare could not be claimed');
  last = id;
  await until(() => expect(isThere(wrapper)).toBe(false));
  await alice.deleteSessions();
});

test('a runner that is killed in the middle of a claim loses nothing, and leaves nothing', async () => {
  const spare = await nextSpare(service, last);
  const wrapper = wrapperOf(spare);
  process.kill(wrapper, 'SIGSTOP');
  const id = await alice.createSession({ max_turns: 7 });
  const message = await alice.tell(id, bash('echo once >> c.txt; cat c.txt'));
  const launchFile = path.join(service.folder, 'runner', 'sessions', id, 'run', 'launch.json');
  await until(async () => expect(await readFile(launchFile, 'utf8')).toContain(spare));
  await service.stopRunner('SIGKILL');
  await service.startRunner();
  await until(async () => expect((await alice.message(id, message)).status).toBe('completed'));
  expect((await alice.message(id, message)).result.trim()).toBe('once');
  const events = await alice.events(id);
  expect(events.filter(({ type }) => type === 'message.completed')).toHaveLength(1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(isThere(wrapper)).toBe(false);
  await until(async () => expect(await readdir(path.join(service.folder, 'runner', 'spares'))).not.toContain(spare));
});
