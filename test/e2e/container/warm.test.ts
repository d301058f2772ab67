import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { nextSpare, spareOf } from '../../support/warm/spares.ts';

const bash = (command: string) => script({ tool: 'Bash', input: { command } }, { text: '{{last_tool_result}}' });

describeDocker('a session that starts from a spare, with the real claude', ({ docker, host, image }) => {
  let service: Service;
  let alice: Client;
  let bob: Client;

  beforeAll(async () => {
    const runnerEnv = { DOCKER_HOST: host, WARM_SESSIONS: '1', LOG_LEVEL: 'debug' };
    service = await Service.start({ backend: 'docker', image, runnerEnv });
    alice = await service.client('alice');
    bob = await service.client('bob');
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await bob?.deleteSessions();
    await service?.stop();
  });

  const inspect = (name: string) => docker.getContainer(name).inspect();
  const spareName = (spare: string) => `cc-docker-${spare}-1`;
  const exec = async (name: string, command: string): Promise<string> => {
    const { Id } = await inspect(name);
    return execFileSync('docker', [...(host === undefined ? [] : ['-H', host]), 'exec', Id, 'sh', '-c', command], {
      encoding: 'utf8',
    });
  };

  test('before it is claimed, a spare has nothing that is of use: one socket, dummies, and no network', async () => {
    const spare = await nextSpare(service, []);
    const found = await exec(
      spareName(spare),
      'find /run/cc-docker -type s; ls /workspace | wc -l; ls /sys/class/net; cat /run/cc-docker/spare.json',
    );
    const [sockets, files, network, json = ''] = found.trim().split('\n');
    expect([sockets, files, network]).toEqual(['/run/cc-docker/spare.sock', '0', 'lo']);
    const { env } = JSON.parse(json);
    expect(env.ANTHROPIC_API_KEY).toContain('dummy');
    expect(await readdir(path.join(service.folder, 'runner', 'sessions'))).toEqual([]);
  });

  test('the session has the container that waited, and all that it asked for', async () => {
    const spare = await nextSpare(service, []);
    const { Id } = await inspect(spareName(spare));
    const id = await alice.createSession({ model: 'haiku-4', system_prompt: 'The word is walrus.' });
    const { result } = await alice.ask(id, bash('pwd; id -un; echo kept > a.txt; mktemp -d >/dev/null && echo made'));
    expect(result.trim().split('\n')).toEqual(['/workspace', 'agent', 'made']);
    expect(spareOf(service, id)).toBe(spare);
    expect((await inspect(`cc-docker-${id}-1`)).Id).toBe(Id);
    expect(await readFile(service.workspace(id, 'a.txt'), 'utf8')).toBe('kept\n');
    expect(await alice.show(id)).toMatchObject({ status: 'idle', epoch: 1, container_id: `cc-docker-${id}-1` });
    const events = await alice.events(id);
    expect(events.find(({ type }) => type === 'session.sealed').data.probes).toContain('network');
    expect(events.filter(({ type }) => type === 'session.ready')).toHaveLength(1);
    expect(events.find(({ data }) => data.subtype === 'init').data).toMatchObject({ cwd: '/workspace' });
    const models = events.flatMap(({ type, data }) => (type === 'assistant' ? [data.message.model] : []));
    expect(models.every((model) => model.includes('haiku'))).toBe(true);

    // Its conversation is the spare’s own, and goes on in a container that starts cold.
    await alice.park(id);
    const answer = await alice.ask(id, script({ text: 'You said: {{first_prompt}}' }));
    expect(answer.result).toContain('kept > a.txt');
    expect(await alice.show(id)).toMatchObject({ epoch: 2 });
  });
});
