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

  /** What a command prints in the session. */
  async function run(command: string): Promise<string> {
    const { result } = await alice.ask(
      id,
      script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' }),
    );
    return result;
  }

  test('runs the agent as its own user, whose files are its own', async () => {
    expect(await run('touch made && id -u && stat -c %u made')).toBe('1001\n1001');
    expect(await lstat(service.workspace(id, 'made'))).toMatchObject(USER);
  });

  test('removes all that a session left, with its session', async () => {
    await alice.call('DELETE', `/sessions/${id}`);
    const sessions = path.join(service.folder, 'runner', 'sessions');
    await until(async () => expect(await readdir(sessions)).toEqual([]));
  });
});
