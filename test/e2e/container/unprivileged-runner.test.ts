import { chmod, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateFor } from '../../support/net/certificate.ts';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { startGitServer, type GitServer } from '../../support/e2e/git-server.ts';
import { Service } from '../../support/e2e/service.ts';
import { makeBareRepository, type BareRepository } from '../../support/github/bare-repository.ts';
import { startGithub, type GithubServer } from '../../support/github/github-server.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';
import { until } from '../../support/until.ts';

const USER = { uid: 1001, gid: 1001 };
const PASSWORD = 'correct-horse-battery-staple';

describeDockerAsRoot('a runner that is not root, but in the engine’s group', ({ host, image }) => {
  let service: Service;
  let alice: Client;
  let folder: string;
  let git: GitServer;
  let repository: BareRepository;
  let github: GithubServer;
  let id: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-unprivileged-'));
    await chmod(folder, 0o755);
    const certificate = await certificateFor('git.test', 'github.com', 'api.github.com');
    await writeFile(path.join(folder, 'ca.pem'), certificate.cert);
    git = await startGitServer('127.0.0.1', certificate, PASSWORD);
    repository = await makeBareRepository('o/r.git');
    github = await startGithub('127.0.0.1', certificate, PASSWORD, repository);
    const site = `git.test:${git.port}`;
    const here = [['127.0.0.1']];
    const runnerEnv = {
      DOCKER_HOST: host,
      ...testNamesEnv({ 'git.test': here, 'github.com': here, 'api.github.com': here }, undefined, {
        443: github.port,
      }),
      EGRESS_ALLOW_PRIVATE: `127.0.0.1:${git.port},127.0.0.1:443`,
      CC_EGRESS_CA: path.join(folder, 'ca.pem'),
      CC_SECRET_GIT: JSON.stringify({ value: PASSWORD, hosts: [site], as: 'git' }),
      CC_SECRET_GITHUB: JSON.stringify({ value: PASSWORD, as: 'github' }),
    };
    service = await Service.start({ backend: 'docker', image, runnerUser: USER, runnerEnv });
    alice = await service.client('alice');
    const config = { network: { allow: [site] }, secrets: ['git'], env: { GREETING: 'hello' } };
    const workspace = { type: 'ephemeral', git_repo: 'git@git.test:private.git', git_branch: 'parts' };
    id = await alice.createSession(config, workspace);
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await service?.stop();
    await Promise.all([git?.close(), github?.close(), repository?.remove()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** What a command prints in a session. */
  async function run(command: string, session = id): Promise<string> {
    const { result } = await alice.ask(
      session,
      script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' }),
    );
    return result;
  }

  test('has a repository under what is uploaded at once, with its submodules and Git LFS', async () => {
    expect((await alice.raw('PUT', `/sessions/${id}/files/README.md`, { body: 'mine' })).status).toBe(200);
    expect(await run('cat README.md part/part.txt big.bin; echo " $GREETING"')).toBe('minepart\nbig hello');
    expect(await lstat(service.workspace(id, 'part', 'part.txt'))).toMatchObject(USER);
  });

  test('leaves the agent its own servers, under each of their names', async () => {
    const server = 'python3 -m http.server 8000 --directory part >/dev/null 2>&1 & echo $! >/tmp/server';
    const fetches = ['0.0.0.0', 'session', 'app.localhost', '[::1]', '127.0.0.2'].map(
      (name) => `curl -s --retry 50 --retry-connrefused --retry-delay 1 http://${name}:8000/part.txt`,
    );
    expect(await run(`${server}; ${fetches.join('; ')}; kill "$(cat /tmp/server)"`)).toBe('part\n'.repeat(5).trim());
  });

  test('gives its agents a name, and a home that parking keeps and a fork does not get', async () => {
    const named = await run('id -un; echo ~; touch ~/.cache-of-mine here /tmp/there; ls -A ~ | grep mine');
    expect(named).toBe('agent\n/home/agent\n.cache-of-mine');
    await alice.park(id);
    const left = 'ls ~/.cache-of-mine here /tmp/there 2>&1 || true';
    expect(await run(left)).toBe(
      "ls: cannot access '/tmp/there': No such file or directory\n/home/agent/.cache-of-mine\nhere",
    );
    const { session_id: fork } = (await alice.call('POST', `/sessions/${id}/fork`)).body;
    expect(await run('ls -A here ~/.cache-of-mine 2>&1 || true', fork)).toMatch(
      /^ls: cannot access .*cache-of-mine.*\nhere$/,
    );
    await alice.call('DELETE', `/sessions/${fork}`);
  });

  test('runs the agent as its own user, whose files are its own', async () => {
    expect(await run('touch made && id -u && stat -c %u made')).toBe('1001\n1001');
    expect(await lstat(service.workspace(id, 'made'))).toMatchObject(USER);
  });

  test('commits in its owner’s name', async () => {
    const commit = 'git init -q r && git -C r commit -q --allow-empty -m x && git -C r log -1 --format="%an <%ae>"';
    expect(await run(commit)).toBe('alice <alice@cc-docker>');
  });

  test('logs the agent in at a forge, and gives Java the proxy and a trust store that it may read', async () => {
    const config = { network: { allow: ['github.com', 'api.github.com'] }, secrets: ['github'] };
    const forge = await alice.createSession(config);
    const store = 'file=${JAVA_TOOL_OPTIONS#*trustStore=}; test -r "${file%% *}" && echo readable';
    const output = await run(`exec 2>&1; gh issue view 7 --repo o/r; echo "$JAVA_TOOL_OPTIONS"; ${store}`, forge);
    expect(output).toContain('Please add a file that greets.');
    expect(output).toMatch(/-Dhttps?\.proxyHost=/);
    expect(output).toMatch(/^readable$/m);
    expect([...github.authorizations.api]).toEqual([`Bearer ${PASSWORD}`]);
    await alice.call('DELETE', `/sessions/${forge}`);
  });

  test('reads on behind what the agent has closed, names it, and says what to do about one of it', async () => {
    await run(
      `mkdir -p go/mod closed && echo m > go/mod/m.go && chmod -R a-w go
       echo x > closed/x && chmod 000 closed && echo s > secret && chmod 000 secret && echo last > zz-last`,
    );
    const files = `/sessions/${id}/files`;
    const { body } = await alice.call('GET', `${files}?recursive=true&limit=1000`);
    const listed = new Map(body.data.map((entry: { path: string }) => [entry.path, entry]));
    expect(listed.get('closed')).toMatchObject({ listed: false, unreadable: true });
    expect([...listed.keys()]).toEqual(expect.arrayContaining(['go/mod/m.go', 'secret', 'zz-last']));
    const tar = await (await alice.raw('GET', `${files}?format=tar`)).text();
    expect(tar).toContain('last\n');
    expect(tar).toMatch(/left out, .*closed[^]*left out, .*secret/);
    const patch = await (await alice.raw('GET', `/sessions/${id}/diff?format=patch`)).text();
    expect(patch).toMatch(/^# b\/secret is not in this patch[^]*^\+last$/m);
    expect(await alice.call('GET', `${files}/secret`)).toMatchObject({
      status: 403,
      body: { code: 'file_access_denied' },
    });
    expect((await alice.call('DELETE', `${files}/closed?recursive=true`)).status).toBeLessThan(300);
  });

  test('counts what the agent has closed for the limit of its files', async () => {
    const hiding = await alice.createSession({ resources: { workspace_mb: 64 } });
    // Each part is hidden before the next one, so without looking into the closed folders there is never much.
    const part = 'mkdir h$n && head -c 12M /dev/zero > h$n/x && chmod 000 h$n && sync && sleep 0.3';
    await alice.tell(
      hiding,
      script({ tool: 'Bash', input: { command: `for n in $(seq 8); do ${part}; done; sleep 60` } }, { text: 'hidden' }),
    );
    expect(await alice.endOf(hiding)).toMatchObject({ code: 'out_of_disk', detail: expect.stringContaining('64 MB') });
    await alice.call('DELETE', `/sessions/${hiding}`);
  });

  test('removes all that a session left, with its session', async () => {
    await alice.call('DELETE', `/sessions/${id}`);
    const sessions = path.join(service.folder, 'runner', 'sessions');
    await until(async () => expect(await readdir(sessions)).toEqual([]));
  });
});
