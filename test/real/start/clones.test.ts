import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';
import { Forge } from '../../support/wrapper/forge.ts';

/** What people bring to a session with a repository: as processes, whose git reaches the server by itself. */

let service: Service;
let alice: Client;
let forge: Forge;

beforeAll(async () => {
  forge = await Forge.start();
  forge.repository('site', { 'README.md': 'theirs\n', 'src/app.js': 'theirs\n' });
  forge.repository('other', { a: 'other\n' });
  service = await Service.start({ backend: 'process' });
  alice = await service.client('alice', { name: 'Alice Liddell', email: 'alice@example.org' });
});
afterEach(async () => await alice?.deleteSessions());
afterAll(async () => {
  await service?.stop();
  await forge?.[Symbol.asyncDispose]();
});

const shell = (command: string) =>
  script({ tool: 'Bash', input: { command } }, { text: 'It says: {{last_tool_result}}' });

const repository = (name: string, more: object = {}) => ({
  type: 'ephemeral',
  git_repo: `${forge.url}/${name}`,
  ...more,
});

const garden = (name: string) => repository(name, { type: 'persistent', id: 'garden' });

async function put(id: string, name: string, body: string): Promise<void> {
  expect((await alice.raw('PUT', `/sessions/${id}/files/${name}`, { body })).status).toBe(200);
}

/** The events of this kind, once there is one. */
const eventsOf = async (id: string, type: string) =>
  await until(async () => {
    const found = (await alice.events(id)).filter((event) => event.type === type);
    expect(found).not.toEqual([]);
    return found.map(({ data }) => data);
  });

test('what is uploaded while a repository is cloned lies over it, and outlives a runner that dies meanwhile', async () => {
  const gate = Promise.withResolvers<void>();
  forge.gate = gate.promise;
  const id = await alice.createSession({}, repository('site'));
  await put(id, '.env', 'secret\n');
  await put(id, 'README.md', 'mine\n');
  await eventsOf(id, 'workspace.cloning');
  await service.stopRunner('SIGKILL');
  await service.startRunner();
  gate.resolve();
  const { result } = await alice.ask(id, shell('cat README.md .env src/app.js && git status --porcelain'));
  expect(result).toMatch(/mine\nsecret\ntheirs\n M README\.md\n\?\? \.env/);
  expect((await eventsOf(id, 'workspace.cloned'))[0]).toMatchObject({ left_out: [], left_out_count: 0 });
  // What was there when the agent began is where its changes are counted from.
  expect((await alice.call('GET', `/sessions/${id}/diff`)).body.data.map(({ path }: { path: string }) => path)).toEqual(
    [],
  );
});

test('a clone that failed is tried again by the next message, whatever was uploaded meanwhile', async () => {
  const id = await alice.createSession({}, repository('later'));
  expect((await alice.endOf(id)).code).toBe('clone_failed');
  await put(id, 'notes.txt', 'mine\n');
  const again = await alice.call('POST', `/sessions/${id}/chat`, { prompt: 'hello', stream: false });
  expect(again.body).toMatchObject({ status: 'failed', error: { code: 'clone_failed' } });
  await put(id, 'more.txt', 'more\n');
  forge.repository('later', { 'README.md': 'here now\n' });
  expect((await alice.ask(id, shell('cat README.md notes.txt more.txt'))).result).toMatch(/here now\nmine\nmore/);
});

test('several repositories have folders of their own; a diff has the changes in each, and none is cloned again', async () => {
  const git = [{ repo: `${forge.url}/site` }, { repo: `${forge.url}/other`, path: 'libs/other' }];
  const id = await alice.createSession({}, { type: 'ephemeral', git });
  const work = 'echo mine > site/README.md && echo new > libs/other/b && git -C libs/other status --porcelain && ls';
  expect((await alice.ask(id, shell(work))).result).toMatch(/\?\? b\nlibs\nsite/);
  const cloned = (await eventsOf(id, 'workspace.cloned')).map(({ path }: { path: string }) => path);
  expect(cloned).toEqual(['site', 'libs/other']);
  const changes = async () =>
    (await alice.call('GET', `/sessions/${id}/diff`)).body.data.map(
      ({ path, change }: { path: string; change: string }) => `${change} ${path}`,
    );
  expect(await changes()).toEqual(['added libs/other/b', 'modified site/README.md']);
  await alice.park(id);
  expect((await alice.ask(id, shell('cat site/README.md libs/other/a'))).result).toContain('mine\nother');
  expect(await eventsOf(id, 'workspace.cloning')).toHaveLength(2);
  expect(await changes()).toEqual(['added libs/other/b', 'modified site/README.md']);
});

test('a persistent workspace keeps its files: its own repository is fetched, another is named', async () => {
  const first = await alice.createSession({}, garden('site'));
  await alice.ask(first, shell('echo mine > README.md'));
  await alice.park(first);

  forge.git('site', 'commit', '-q', '--allow-empty', '-m', 'newer');
  const newer = forge.git('site', 'rev-parse', 'HEAD');
  const second = await alice.createSession({}, garden('site'));
  expect((await alice.ask(second, shell('cat README.md && git rev-parse origin/main'))).result).toContain(
    `mine\n${newer}`,
  );
  expect(await eventsOf(second, 'workspace.fetched')).toMatchObject([{ repo: `${forge.url}/site` }]);
  await alice.park(second);

  const third = await alice.createSession({}, garden('other'));
  expect((await alice.ask(third, shell('cat README.md && ls'))).result).toMatch(/mine\nREADME\.md\nsrc/);
  const [skipped] = await eventsOf(third, 'workspace.clone_skipped');
  expect(skipped).toMatchObject({ repo: `${forge.url}/other`, detail: expect.stringContaining(`${forge.url}/site`) });
});

test('a commit is by whom the token names, unless the repository says otherwise', async () => {
  const id = await alice.createSession({}, repository('site'));
  const commit = 'git commit -q --allow-empty -m x && git log -1 --format="%an <%ae> %cn"';
  expect((await alice.ask(id, shell(commit))).result).toContain('Alice Liddell <alice@example.org> Alice Liddell');
  const own = `git config user.name Bot && git config user.email bot@example.org && ${commit}`;
  expect((await alice.ask(id, shell(own))).result).toContain('Bot <bot@example.org> Bot');

  const bob = await service.client('bob');
  const his = await bob.createSession({}, repository('site', { git_depth: 1 }));
  expect((await bob.ask(his, shell(commit))).result).toContain('bob <bob@cc-docker> bob');
  expect(await readFile(service.workspace(his, '.git', 'config'), 'utf8')).not.toContain('cc-docker');
  await bob.deleteSessions();
});
