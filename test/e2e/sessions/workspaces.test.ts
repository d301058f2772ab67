import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { certificateFor } from '../../support/net/certificate.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { startGitServer, type GitServer } from '../../support/e2e/git-server.ts';
import { Service } from '../../support/e2e/service.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';

const run = promisify(execFile);
const PASSWORD = 'correct-horse-battery-staple';
const shell = (command: string) =>
  script({ tool: 'Bash', input: { command } }, { text: 'It holds: {{last_tool_result}}' });

describeDocker('workspaces, forks and files, with the real claude', ({ host, image }) => {
  let service: Service;
  let alice: Client;
  let folder: string;
  let git: GitServer;
  let repository: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-workspaces-'));
    const certificate = await certificateFor('git.test');
    await writeFile(path.join(folder, 'ca.pem'), certificate.cert);
    git = await startGitServer('127.0.0.1', certificate, PASSWORD);
    repository = `https://git.test:${git.port}/private.git`;
    service = await Service.start({
      backend: 'docker',
      image,
      runnerEnv: {
        DOCKER_HOST: host,
        ...testNamesEnv({ 'git.test': [['127.0.0.1']] }),
        EGRESS_ALLOW_PRIVATE: `127.0.0.1:${git.port}`,
        CC_EGRESS_CA: path.join(folder, 'ca.pem'),
        CC_SECRET_GIT: JSON.stringify({ value: PASSWORD, hosts: [`git.test:${git.port}`], as: 'git' }),
      },
    });
    alice = await service.client('alice');
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await service?.stop();
    await git?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const gitServerCalls = () => git.authorizations.length;
  const network = () => ({ network: { allow: [`git.test:${git.port}`] }, secrets: ['git'] });

  test('a persistent workspace is found again by its id, and held by one session at a time', async () => {
    const workspace = { type: 'persistent', id: 'garden' };
    const first = await alice.createSession({}, workspace);
    await alice.ask(first, shell('echo tulips > beds.txt'));

    const second = await alice.call('POST', '/sessions', { workspace });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: 'workspace_held' });
    expect(second.body.detail).toContain(first);

    await alice.park(first);
    const next = await alice.createSession({}, workspace);
    expect((await alice.ask(next, shell('cat beds.txt && echo roses >> beds.txt'))).result).toContain('tulips');

    const refused = await alice.call('POST', `/sessions/${first}/chat`, {
      prompt: shell('cat beds.txt'),
      stream: false,
    });
    expect(refused.body).toMatchObject({ status: 'failed', error: { code: 'workspace_held' } });
    expect(refused.body.error.detail).toContain(next);

    await alice.park(next);
    expect((await alice.ask(first, shell('cat beds.txt'))).result).toContain('roses');
    const list = await alice.call('GET', '/workspaces');
    expect(list.body.data).toMatchObject([{ id: 'garden', held_by: first }]);

    const copy = await alice.createSession({}, { type: 'clone', id: 'garden' });
    expect((await alice.ask(copy, shell('cat beds.txt; rm beds.txt'))).result).toContain('roses');
    expect((await alice.ask(first, shell('cat beds.txt'))).result).toContain('roses');

    // It outlives the sessions that worked in it, and goes when it is told to.
    await alice.park(first);
    await alice.deleteSessions();
    const later = await alice.createSession({}, workspace);
    expect((await alice.ask(later, shell('cat beds.txt'))).result).toContain('roses');
    await alice.call('DELETE', `/sessions/${later}`);
    expect((await alice.call('DELETE', '/workspaces/garden')).status).toBe(204);
    expect((await alice.call('GET', '/workspaces')).body.data).toEqual([]);
  });

  test('a fork knows what was said and has the files; what each does afterwards is its own', async () => {
    const id = await alice.createSession();
    await alice.ask(id, 'My favourite colour is teal.');
    await alice.ask(id, shell('echo one > a.txt'));
    const fork = await alice.call('POST', `/sessions/${id}/fork`);
    expect(fork.status).toBe(201);
    const copy = fork.body.session_id;
    expect((await alice.ask(copy, script({ text: 'You said: {{first_prompt}}' }))).result).toContain('teal');
    expect((await alice.ask(copy, shell('cat a.txt; echo two > a.txt'))).result).toContain('one');
    expect((await alice.ask(id, shell('cat a.txt'))).result).toContain('one');
    expect(await alice.show(copy)).toMatchObject({ forked_from: id });
    // It has a conversation of its own by now, and goes on with that.
    await alice.park(copy);
    expect((await alice.ask(copy, shell('cat a.txt'))).result).toContain('two');
  });

  test('a private repository is cloned inside before the first turn, and diff tells what the agent did', async () => {
    const id = await alice.createSession(network(), { type: 'ephemeral', git_repo: repository, git_branch: 'main' });
    const answer = await alice.ask(id, shell('git rev-parse --abbrev-ref HEAD && ls'));
    expect(answer.result).toContain('main');
    const events = await alice.events(id);
    const types = events.map(({ type }) => type);
    expect(types.indexOf('workspace.cloned')).toBeGreaterThan(types.indexOf('workspace.cloning'));
    expect(types.indexOf('workspace.cloned')).toBeLessThan(types.indexOf('session.ready'));
    expect(JSON.stringify(events)).not.toContain(PASSWORD);
    expect(await readFile(service.workspace(id, '.git', 'config'), 'utf8')).not.toContain(PASSWORD);

    await alice.ask(id, shell('echo changed > README.md; mkdir src; echo new > src/new.txt'));
    const changes = await alice.call('GET', `/sessions/${id}/diff`);
    const paths = changes.body.data.map(({ path: name }: { path: string }) => name);
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'src/new.txt']));
    const patch = await (await alice.raw('GET', `/sessions/${id}/diff?format=patch`)).text();
    expect(patch).toContain('+changed');
    const clone = path.join(folder, 'applied');
    await git.git('worktree', 'add', '--force', clone, 'main');
    await writeFile(path.join(folder, 'agent.patch'), patch);
    await run('git', ['apply', '--exclude=.git/*', path.join(folder, 'agent.patch')], { cwd: clone });
    expect(await readFile(path.join(clone, 'src', 'new.txt'), 'utf8')).toBe('new\n');
    await git.git('worktree', 'remove', '--force', clone);
  });

  test('an SSH address leads to the port of its secret: with submodules and Git LFS, under what is uploaded at once', async () => {
    const workspace = { git_repo: 'git@git.test:private.git', git_branch: 'refs/heads/parts', git_depth: 1 };
    const id = await alice.createSession(network(), { type: 'ephemeral', ...workspace });
    const put = (name: string) => alice.raw('PUT', `/sessions/${id}/files/${name}`, { body: 'mine\n' });
    expect((await Promise.all([put('.env'), put('README.md')])).map(({ status }) => status)).toEqual([200, 200]);
    const { result } = await alice.ask(
      id,
      shell('cat .env README.md part/part.txt big.bin; echo; git status --porcelain'),
    );
    expect(result).toContain('mine\nmine\npart\nbig\n');
    // What was uploaded alone is changed.
    expect(result).toMatch(/big\n M README.md\n\?\? .env$/);
    const cloned = (await alice.events(id)).find(({ type }) => type === 'workspace.cloned');
    expect(cloned.data.repo).toBe(repository);
    expect(cloned.data.left_out).toMatchObject([{ path: 'lost.bin', why: expect.stringMatching(/^Git LFS: /) }]);

    // The agent goes on with the same addresses, and commits in its owner's name.
    const work = [
      'git ls-remote git@git.test:private.git refs/heads/main',
      'git -C part fetch && git commit -qam x && git log -1 --format="%an <%ae>"',
      'git remote set-url origin ssh://git@git.test/private.git && git push origin HEAD:refs/heads/theirs 2>&1',
      'git config --get-all safe.directory',
    ];
    const told = (await alice.ask(id, shell(work.join(' && ')))).result;
    expect(told).toMatch(/[0-9a-f]{40}\trefs\/heads\/main/);
    expect(told).toContain('alice <alice@cc-docker>');
    expect(told).toContain('theirs');
    expect(await git.git('log', '-1', '--format=%an', 'theirs')).toBe('alice\n');
    expect(JSON.stringify(await alice.events(id))).not.toContain(PASSWORD);
  });

  test('two repositories, of which the first describes the machine: its packages, variables and commands, and no more', async () => {
    const git = [
      { repo: repository, branch: 'dev', path: 'app' },
      { repo: repository.replace('private', 'part'), path: 'libs/part' },
    ];
    const id = await alice.createSession({ ...network(), environment: 'devcontainer' }, { type: 'ephemeral', git });
    const { result } = await alice.ask(
      id,
      shell('cat app/made libs/part/part.txt; echo "$MODE|$HTTPS_PROXY"; ls /host'),
    );
    expect(result).toMatch(
      /1000\n\/workspace\/app\ndev at \/workspace\/app\ndev\npart\ndev at \/workspace\/app\|http:\/\/127/,
    );
    expect(result).toContain('No such file');
    const events = await alice.events(id);
    const ofType = (type: string) => events.filter((event) => event.type === type).map(({ data }) => data);
    const [told] = ofType('environment.devcontainer');
    expect(told).toMatchObject({
      repo: repository,
      file: '.devcontainer.json',
      image: null,
      features: true,
      commands: ['onCreateCommand', 'postCreateCommand: words'],
      ports: [{ port: 3000, label: 'Web' }],
    });
    expect(told.unsupported.map(({ name }: { name: string }) => name).toSorted()).toEqual([
      'containerEnv: HTTPS_PROXY',
      'features: ghcr.io/devcontainers/features/docker-in-docker:2',
      'image: evil.test/image:1',
      'initializeCommand',
      'mounts',
      'privileged',
    ]);
    expect(ofType('environment.build').at(-1)).toMatchObject({ environment: 'devcontainer', state: 'ready' });
    expect(ofType('workspace.cloned').map(({ path: at }) => at)).toEqual(['app', 'libs/part']);
    expect(JSON.stringify(events)).not.toContain(PASSWORD);
    // What the commands made, the agent began with.
    const changes = async () => (await alice.call('GET', `/sessions/${id}/diff`)).body.data;
    expect(await changes()).toEqual([]);

    // The next start reads nothing, clones nothing and runs nothing: it is as it was, from the same image.
    await alice.park(id);
    const asked = gitServerCalls();
    const again = await alice.ask(id, shell('echo new >> libs/part/part.txt; echo "$MODE"; wc -l < app/made'));
    expect(again.result).toMatch(/dev at \/workspace\/app\n4/);
    expect(gitServerCalls()).toBe(asked);
    expect(await changes()).toMatchObject([{ path: 'libs/part/part.txt', change: 'modified' }]);
    const builds = (await alice.events(id)).filter(({ type }) => type === 'environment.build').map(({ data }) => data);
    expect(builds.at(-1)).toMatchObject({ epoch: 2, state: 'ready', cached: true });
  });

  test('a repository that describes no machine is told of, before anything starts', async () => {
    const id = await alice.createSession(
      { ...network(), environment: 'devcontainer' },
      { type: 'ephemeral', git_repo: repository },
    );
    const { code, detail } = await alice.endOf(id);
    expect([code, detail]).toEqual(['environment_failed', expect.stringContaining('has neither .devcontainer/')]);
    const closed = await alice.createSession(
      { environment: 'devcontainer' },
      { type: 'ephemeral', git_repo: repository },
    );
    const refused = await alice.endOf(closed);
    expect(refused.detail).toMatch(
      /devcontainer\.json of .* could not be read\. The session’s network policy refused: git\.test/,
    );
  });

  test('a clone that fails says why in git’s own words, and the next message tries again', async () => {
    const wrong = repository.replace('private.git', 'nothing-here.git');
    const id = await alice.createSession(network(), { type: 'ephemeral', git_repo: wrong });
    const failed = await alice.until(id, ({ status }) => status === 'failed');
    expect(failed.reason.code).toBe('clone_failed');
    expect(failed.reason.detail).toMatch(/not found|repository/i);
    expect(failed.reason.detail).not.toContain(PASSWORD);
    const answer = await alice.call('POST', `/sessions/${id}/chat`, { prompt: 'hello', stream: false });
    expect(answer.body).toMatchObject({ status: 'failed', error: { code: 'clone_failed' } });
    expect((await alice.show(id)).epoch).toBe(2);
  });

  test('files go in and out, while it runs and while it is parked', async () => {
    const id = await alice.createSession();
    await alice.ask(id, shell('mkdir -p out && printf 0123456789 > out/digits.txt && ln -s /etc/passwd out/link'));
    await inAndOut('while it runs');
    await alice.park(id);
    await inAndOut('while it is parked');
    const saved = await alice.until(id, ({ files }) => files.saved);
    expect(saved.status).toBe('stopped');
    expect((await alice.ask(id, shell('cat "in/while it is parked.txt"'))).result).toContain('from outside');

    async function inAndOut(when: string) {
      const list = await alice.call('GET', `/sessions/${id}/files/out`);
      expect(list.body.data).toMatchObject([
        { path: 'out/digits.txt', type: 'file', size: 10, mode: '0644' },
        { path: 'out/link', type: 'symlink', target: '/etc/passwd' },
      ]);
      const part = await alice.raw('GET', `/sessions/${id}/files/out/digits.txt`, { headers: { range: 'bytes=2-4' } });
      expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
      const link = await alice.raw('GET', `/sessions/${id}/files/out/link`);
      expect(link.status).toBe(409);
      expect(await link.text()).not.toContain('root:');

      const name = encodeURIComponent(`${when}.txt`);
      const written = await alice.raw('PUT', `/sessions/${id}/files/in/${name}`, { body: 'from outside\n' });
      expect([written.status, await written.json()]).toMatchObject([200, { path: `in/${when}.txt`, bytes: 13 }]);

      const archive = await alice.raw('GET', `/sessions/${id}/files?format=tar`);
      const file = path.join(folder, 'all.tar');
      await writeFile(file, Buffer.from(await archive.arrayBuffer()));
      const { stdout } = await run('tar', ['-tf', file]);
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(['out/digits.txt', 'out/link', `in/${when}.txt`]));
      const headers = { 'content-type': 'application/x-tar' };
      const unpacked = await alice.raw('PUT', `/sessions/${id}/files/copy`, { body: await readFile(file), headers });
      expect(unpacked.status).toBe(200);
      expect(await (await alice.raw('GET', `/sessions/${id}/files/copy/out/digits.txt`)).text()).toBe('0123456789');
      expect((await alice.raw('DELETE', `/sessions/${id}/files/copy`)).status).toBe(409);
      expect((await alice.raw('DELETE', `/sessions/${id}/files/copy?recursive=true`)).status).toBe(204);
      expect((await alice.raw('GET', `/sessions/${id}/files/copy`)).status).toBe(404);
    }
  });

  test('a large file streams in and out whole', async () => {
    const id = await alice.createSession();
    await alice.ask(id, 'hello');
    const bytes = Buffer.alloc(64 * 1024 * 1024, 'abcdefghij');
    expect((await alice.raw('PUT', `/sessions/${id}/files/large.bin`, { body: bytes })).status).toBe(200);
    const back = await alice.raw('GET', `/sessions/${id}/files/large.bin`);
    expect(Buffer.from(await back.arrayBuffer()).equals(bytes)).toBe(true);
  });
});
