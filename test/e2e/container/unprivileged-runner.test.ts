import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

const USER = { uid: 1001, gid: 1001 };

describeDockerAsRoot('a runner that is not root, but in the engine’s group', ({ host, image }) => {
  let service: Service;
  let alice: Client;
  let id: string;
  beforeAll(async () => {
    service = await Service.start({ backend: 'docker', image, runnerUser: USER, runnerEnv: { DOCKER_HOST: host } });
    alice = await service.client('alice');
    id = await alice.createSession();
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await service?.stop();
  });

  /** What a command prints in a session. */
  async function run(command: string, session = id): Promise<string> {
    const { result } = await alice.ask(
      session,
      script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' }),
    );
    return result;
  }

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

  test('removes all that a session left, with its session', async () => {
    await alice.call('DELETE', `/sessions/${id}`);
    const sessions = path.join(service.folder, 'runner', 'sessions');
    await until(async () => expect(await readdir(sessions)).toEqual([]));
  });
});
