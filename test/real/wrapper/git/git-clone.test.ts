import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeRepository, serveFiles, type Gate } from '../../../support/wrapper/git-server.ts';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';

/** A `claude` that says in which folder it was started, and what was there. */
const CLAUDE = `
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
say({ found: require('node:fs').readdirSync('.').sort() });
require('node:readline').createInterface({ input: process.stdin }).once('line', (line) => say({ type: 'control_response',
  response: { subtype: 'success', request_id: JSON.parse(line).request_id, response: { claude_code_version: '0.0.1' } } }));
`;

async function setUp(gate?: Gate) {
  const stage = await Stage.open();
  const claude = await stage.standIn(CLAUDE);
  const { head } = makeRepository(stage.path('server'));
  const server = await serveFiles(stage.path('server'), gate);
  const disposables = new AsyncDisposableStack();
  disposables.use(stage);
  disposables.use(server);
  const start = (git: { repo: string; branch?: string }) => stage.start({ claude, git });
  return {
    stage,
    session: stage.session,
    head,
    start,
    url: server.url,
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

test('a repository is cloned before anything starts, which waits until the session has it', async () => {
  await using set = await setUp();
  const { session, stage, head } = set;
  const repo = `${set.url}/repo.git`;
  const wrapper = await set.start({ repo });
  expect(await session.notice('cloned')).toEqual({ notice: 'cloned', repo, commit: head, ms: expect.any(Number) });
  expect(session.notices[0]).toEqual({ notice: 'cloning', repo });
  expect(readFileSync(stage.path('workspace/hello.txt'), 'utf8')).toBe('hello\n');
  // Nothing else follows, however often the link is made anew.
  session.breakLink();
  await session.until(() => session.connections === 2);
  expect(session.items).toHaveLength(2);
  session.send({ kind: 'go' });
  await session.notice('ready');
  expect(session.lines[0]).toEqual({ found: ['.git', 'hello.txt'] });
  // As with each connection.
  session.send({ kind: 'go' });
  session.breakLink();
  await session.until(() => session.connections === 3);
  session.send({ kind: 'go' });
  expect(session.notices.filter(({ notice }) => notice === 'ready')).toHaveLength(1);
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({ code: 0, stderr: '' });
});

test('a branch that is named is the one that is there', async () => {
  await using set = await setUp();
  await set.start({ repo: `${set.url}/repo.git`, branch: 'other' });
  await set.session.notice('cloned');
  expect(readFileSync(set.stage.path('workspace/hello.txt'), 'utf8')).toBe('other\n');
});

test.each([
  ['a repository that is not there', '/nothing.git', undefined, /repository '.*nothing\.git\/?' not found/],
  ['a branch that is not there', '/repo.git', 'nowhere', /Remote branch nowhere not found/],
])('%s is told in git’s own words, and the wrapper ends', async (_, path, branch, words) => {
  await using set = await setUp();
  const wrapper = await set.start({ repo: set.url + path, ...(branch !== undefined && { branch }) });
  const { detail } = await set.session.notice('clone_failed');
  expect(detail).toMatch(words);
  expect(await wrapper.exit).toMatchObject({ code: 0 });
  expect(set.session.items.at(-1)).toMatchObject({ notice: 'clone_failed' });
  expect(readdirSync(set.stage.path('workspace'))).toEqual([]);
});

test('a failed clone does not tell a credential that was in a URL', async () => {
  await using set = await setUp();
  await set.start({ repo: `${set.url.replace('//', '//alice:canary@')}/nothing.git` });
  const { detail } = await set.session.notice('clone_failed');
  expect(detail).toContain('not found');
  expect(detail).not.toContain('canary');
});

test('a server that asks for a password is a failure, not a question', async () => {
  await using set = await setUp((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    return true;
  });
  await set.start({ repo: `${set.url}/repo.git` });
  expect((await set.session.notice('clone_failed')).detail).toMatch(/could not read Username|Authentication failed/);
});

test('a file of the machine is no repository', async () => {
  await using set = await setUp();
  await set.start({ repo: set.stage.path('server/repo.git') });
  expect((await set.session.notice('clone_failed')).detail).toMatch(/transport 'file' not allowed/);
});

test('what looks like an option is a repository', async () => {
  await using set = await setUp();
  await set.start({ repo: '--upload-pack=touch /tmp/owned' });
  expect((await set.session.notice('clone_failed')).detail).toMatch(/repository|protocol|transport/);
});

test('a stop while it clones ends git with all its children, at once', async () => {
  const asked = Promise.withResolvers<void>();
  await using set = await setUp(() => {
    asked.resolve();
    // It never answers.
    return true;
  });
  const wrapper = await set.start({ repo: `${set.url}/repo.git` });
  await asked.promise;
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({ code: 0 });
  expect(gitProcesses(set.url)).toEqual([]);
  expect(set.session.notices.map(({ notice }) => notice)).toEqual(['cloning']);
});

test('a stop while it waits to go on ends it', async () => {
  await using set = await setUp();
  const wrapper = await set.start({ repo: `${set.url}/repo.git` });
  await set.session.notice('cloned');
  wrapper.signal('SIGTERM');
  expect(await wrapper.exit).toMatchObject({ code: 0 });
  expect(set.session.lines).toEqual([]);
});

test('git has the environment of claude’s own tools', async () => {
  const agents: (string | undefined)[] = [];
  await using set = await setUp((request) => {
    agents.push(request.headers['user-agent']);
    return false;
  });
  mkdirSync(set.stage.path('elsewhere'));
  const env = { ...set.stage.claudeEnv(), GIT_HTTP_USER_AGENT: 'as claude', http_proxy: '', HTTP_PROXY: '' };
  await set.stage.start({ env, git: { repo: `${set.url}/repo.git` } });
  await set.session.notice('cloned');
  expect(new Set(agents)).toEqual(new Set(['as claude']));
  expect(existsSync(set.stage.path('workspace/.git'))).toBe(true);
});

function gitProcesses(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return command.startsWith('git') && command.includes(text);
    } catch {
      return false;
    }
  });
}
