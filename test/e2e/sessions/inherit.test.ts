import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

const TOOLS = { agent_tools: ['spawn_session', 'get_child_result'] };
const tool = (name: string, input: object) => ({ tool: `mcp__cc-docker__${name}`, input });
const bash = (command: string) => ({ tool: 'Bash', input: { command } });
const beside = (prompt: string) => tool('spawn_session', { prompt, workspace: 'inherit' });
const resultOf = (call: number) =>
  tool('get_child_result', { child_session_id: `{{result_${call}_child_session_id}}` });
const said = { text: 'It said: {{last_tool_result}}' };

describeDocker('a child in its parent’s very files, with the real claude', ({ host, image }) => {
  let service: Service;
  let alice: Client;

  beforeAll(async () => {
    service = await Service.start({ backend: 'docker', image, runnerEnv: { DOCKER_HOST: host } });
    alice = await service.client('alice');
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => await service?.stop());

  const text = async (id: string, name: string) => {
    const response = await alice.raw('GET', `/sessions/${id}/files/${name}`);
    return { status: response.status, body: await response.text() };
  };

  test('reads what its parent wrote and changes it, its own child does so too, and the parent reads both', async () => {
    const id = await alice.createSession(TOOLS);
    const grandchild = script(bash('git log --format=%s && echo third >> /workspace/notes'), said);
    const child = script(
      bash('cat /workspace/notes && echo second >> /workspace/notes && git -C /workspace status --short'),
      beside(grandchild),
      resultOf(1),
      { text: 'I saw {{result_0}} and below: {{result_2_result}}' },
    );
    const begin =
      'cd /workspace && git init -q && git config user.email a@b && git config user.name a && echo first > notes && git add . && git commit -qm begun';
    const answer = await alice.ask(
      id,
      script(bash(begin), beside(child), resultOf(1), bash('cat /workspace/notes'), {
        text: '{{result_2_result}} // {{result_3}}',
      }),
    );
    expect(answer.result).toMatch(/I saw first.* M notes.* below: It said: begun.* \/\/ first\nsecond\nthird/s);
    const [childId] = (await alice.show(id)).child_session_ids;
    const [grandchildId] = (await alice.show(childId)).child_session_ids;
    for (const below of [childId, grandchildId]) {
      expect(await alice.show(below)).toMatchObject({ inherits_from: id });
      const refused = await alice.call('GET', `/sessions/${below}/files`);
      expect(refused).toMatchObject({ status: 503, body: { code: 'files_unavailable' } });
      expect(refused.body.detail).toContain(`/api/v1/sessions/${id}/files`);
    }
    expect(await text(id, 'notes')).toEqual({ status: 200, body: 'first\nsecond\nthird\n' });
  });

  test('ends with its parent, whose snapshot has all that it wrote; both wake and work on', async () => {
    const id = await alice.createSession(TOOLS);
    const child = script(bash('echo mine > /workspace/child'), { hang: true });
    await alice.ask(id, script(beside(child), { text: 'begun' }));
    const [childId] = (await alice.show(id)).child_session_ids;
    await until(async () => expect((await text(id, 'child')).status).toBe(200));
    await alice.park(id);
    expect(await alice.show(childId)).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' } });
    const fork = await alice.call('POST', `/sessions/${id}/fork`);
    expect(fork.status).toBe(201);
    expect((await alice.ask(fork.body.session_id, script(bash('cat /workspace/child'), said))).result).toContain(
      'mine',
    );

    const alone = await alice.ask(childId, 'Are you there?');
    expect(alone).toMatchObject({ status: 'failed', error: { code: 'parent_unavailable' } });
    await alice.ask(id, script(bash('echo woken > /workspace/parent'), said));
    const again = await alice.ask(childId, script(bash('cat /workspace/child /workspace/parent'), said));
    expect(again.result).toMatch(/mine\nwoken/);
    const events = await alice.events(childId);
    expect(events.filter(({ type }) => type === 'session.ready')).toHaveLength(2);
  });

  test('is ended, gently and first, when its parent’s container dies', async () => {
    const id = await alice.createSession(TOOLS);
    await alice.ask(id, script(beside(script(bash('echo one > /workspace/child'), { hang: true })), { text: 'begun' }));
    const [childId] = (await alice.show(id)).child_session_ids;
    await until(async () => expect((await text(id, 'child')).status).toBe(200));
    // `claude` is the wrapper's child, and the agent's own parent.
    await alice.tell(id, script(bash('kill -9 $PPID')));
    const { reason } = await alice.until(childId, ({ status }) => status === 'stopped');
    expect(reason.code).toBe('parent_unavailable');
    await alice.until(id, ({ status, files }) => status === 'failed' && files.saved);
    expect(await readFile(service.workspace(id, 'child'), 'utf8')).toBe('one\n');
  });

  test('goes on when the runner dies under both, and its parent is not parked under it', async () => {
    const id = await alice.createSession({ ...TOOLS, idle_timeout_seconds: 5 });
    const slow = script(
      bash(
        'echo > /workspace/begun; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1; done; echo late > /workspace/late',
      ),
      said,
    );
    await alice.ask(id, script(beside(slow), { text: 'begun' }));
    const [childId] = (await alice.show(id)).child_session_ids;
    await until(async () => expect((await text(id, 'begun')).status).toBe(200));
    await service.stopRunner('SIGKILL');
    await service.startRunner();
    await alice.until(childId, ({ total_turns: turns }) => turns === 1);
    expect(await alice.show(id)).toMatchObject({ status: 'idle', epoch: 1 });
    expect(await text(id, 'late')).toEqual({ status: 200, body: 'late\n' });
    expect((await alice.until(childId, ({ status }) => status === 'stopped')).reason.code).toBe('idle_timeout');
    expect((await alice.until(id, ({ status }) => status === 'stopped')).reason.code).toBe('idle_timeout');
  });
});
