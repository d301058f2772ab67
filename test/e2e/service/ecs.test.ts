import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureEcsImage } from '../../../container/build/ecs-image.ts';
import { PORTER_BUNDLE } from '../../../scripts/bundle.ts';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { testNamesEnv } from '../../support/e2e/test-names.ts';
import { startLocalCluster } from '../../support/ecs/local-cluster.ts';
import { freePort } from '../../support/net/free-port.ts';
import { close, listen } from '../../support/net/listen.ts';
import { until } from '../../support/until.ts';

const STOP_SECONDS = 10;
const bash = (command: string) => ({ tool: 'Bash', input: { command } });
const said = { text: 'It said: {{last_tool_result}}' };

describeDockerAsRoot('sessions on the stand-in of ECS, with the real claude', ({ docker, image }) => {
  const site = createServer((_, response) => response.end('the site is here'));
  let sitePort: number;
  let cluster: Awaited<ReturnType<typeof startLocalCluster>>;
  let taskImage: string;
  let service: Service;
  let alice: Client;
  let id: string;

  beforeAll(async () => {
    taskImage = await ensureEcsImage(docker, image, PORTER_BUNDLE);
    cluster = await startLocalCluster(docker, taskImage, STOP_SECONDS);
    sitePort = await listen(site, '127.0.0.1');
    const port = await freePort(cluster.runnerAddress);
    service = await Service.start({
      backend: 'ecs',
      runnerEnv: {
        ...cluster.environment(port),
        ...testNamesEnv({ 'site.test': [['127.0.0.1']] }),
        // The wrapper sets it, and here, where tasks have no kernel of their own, the whole machine's sessions count.
        SESSION_PIDS: '16384',
        EGRESS_ALLOW_PRIVATE: `127.0.0.1:${sitePort}`,
      },
    });
    alice = await service.client('alice');
    id = await alice.createSession({
      agent_tools: ['ask_user'],
      network: { allow: [`site.test:${sitePort}`] },
    });
  });
  afterAll(async () => {
    await alice?.deleteSessions();
    await service?.stop();
    await cluster?.close();
    await close(site);
    await docker.getImage(taskImage).remove({ force: true });
  });

  const tasks = () => cluster.ecs.operations.tasks.filter(({ now }) => now.desiredStatus === 'RUNNING');

  test('a session is one sealed task, whose agent writes a file and gets where it may', async () => {
    const wrote = await alice.ask(
      id,
      script(bash('echo of a task > /workspace/a.txt; whoami; cat /workspace/a.txt; ulimit -H -n -u -c'), said),
    );
    expect(wrote.result).toContain('of a task');
    // Open files by ECS; processes and cores by the wrapper.
    for (const limit of [/open files.*16384/, /max user processes.*16384/, /core file size.* 0/])
      expect(wrote.result).toMatch(limit);
    expect(tasks()).toHaveLength(1);
    const sealed = (await alice.events(id)).find(({ type }) => type === 'session.sealed');
    expect(sealed?.data.probes).toEqual(expect.arrayContaining(['runner_only', 'own_limits']));
    expect(sealed?.data.probes).not.toContain('network');
    const urls = `http://site.test:${sitePort}/ http://other.test/`;
    const fetched = await alice.ask(id, script(bash(`curl -sS -w '%{http_code} ' ${urls}`), said));
    expect(fetched.result).toMatch(/the site is here200 [^]*403/);
    const egress = (await alice.events(id)).filter(({ type }) => type === 'session.egress').map(({ data }) => data);
    expect(egress).toContainEqual(expect.objectContaining({ host: 'site.test', port: sitePort, verdict: 'allowed' }));
    expect(egress).toContainEqual(expect.objectContaining({ host: 'other.test', port: 80, verdict: 'refused' }));
    const file = await alice.raw('GET', `/sessions/${id}/files/a.txt`);
    expect(await file.text()).toBe('of a task\n');
  });

  test('a client’s file is where the agent works, at once', async () => {
    const put = await alice.raw('PUT', `/sessions/${id}/files/in/b.txt`, { body: 'from outside\n' });
    expect(put.status).toBe(200);
    const answer = await alice.ask(id, script(bash('cat in/b.txt; ls -l in/b.txt; mv in/b.txt c.txt'), said));
    expect(answer.result).toMatch(/from outside\s+-rw-r--r-- 1 (node|1000)/);
    expect(await (await alice.raw('GET', `/sessions/${id}/files/c.txt`)).text()).toBe('from outside\n');
    expect((await alice.raw('GET', `/sessions/${id}/files/in/b.txt`)).status).toBe(404);
    const { body: changes } = await alice.call('GET', `/sessions/${id}/diff`);
    expect(changes.data).toContainEqual(expect.objectContaining({ path: 'c.txt', change: 'added' }));
  });

  test('a question is answered after the runner was killed, and its task goes on', async () => {
    const ask = { tool: 'mcp__cc-docker__ask_user', input: { question: 'Ship it?', options: ['yes', 'no'] } };
    const message = await alice.tell(id, script(ask, said));
    const { interaction_id } = await until(async () => {
      const { body } = await alice.call('GET', `/sessions/${id}/interactions?state=open`);
      expect(body.data).toHaveLength(1);
      return body.data[0];
    });
    const before = tasks();
    await service.stopRunner('SIGKILL');
    await service.startRunner();
    await alice.call('POST', `/sessions/${id}/interactions/${interaction_id}/resolve`, { answer: 'yes' });
    const done = await until(async () => {
      const view = await alice.message(id, message);
      expect(view.finished_at).not.toBeNull();
      return view;
    });
    expect(done.result).toContain('yes');
    expect(tasks()).toEqual(before);
  });

  test('parked it has no task; it wakes in another one with its files, as a fork does', async () => {
    const [first] = tasks();
    await alice.park(id);
    await expect.poll(tasks).toEqual([]);
    const woken = await alice.ask(id, script(bash('cat /workspace/a.txt; echo changed >> /workspace/a.txt'), said));
    expect(woken.result).toContain('of a task');
    expect(tasks()).toHaveLength(1);
    expect(tasks()).not.toContain(first);
    await alice.park(id);
    const fork = await alice.call('POST', `/sessions/${id}/fork`);
    expect(fork.status).toBe(201);
    const answer = await alice.ask(fork.body.session_id, script(bash('cat /workspace/a.txt'), said));
    expect(answer.result).toMatch(/of a task\s+changed/);
  });

  test('a child is a task of its own, whose answer its parent gets', async () => {
    const parent = await alice.createSession({ agent_tools: ['spawn_session', 'get_child_result'] });
    const answer = await alice.ask(
      parent,
      script(
        { tool: 'mcp__cc-docker__spawn_session', input: { prompt: script(bash('echo $((6 * 7))'), said) } },
        {
          tool: 'mcp__cc-docker__get_child_result',
          input: { child_session_id: '{{result_0_child_session_id}}' },
        },
        said,
      ),
    );
    expect(answer.result).toContain('42');
    await alice.deleteSessions();
    await expect.poll(tasks).toEqual([]);
  });
});
