import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { expectedSignature, Receiver } from '../../support/net/receiver.ts';
import { until } from '../../support/until.ts';

const CHILD_TOOLS = ['spawn_session', 'list_children', 'send_to_child', 'get_child_result', 'stop_child'];
/** Of the whole service: small enough to be met. */
const VARS = {
  WEBHOOK_ALLOW: '127.0.0.1',
  MAX_SPAWN_DEPTH: '2',
  MAX_CHILDREN_PER_SESSION: '6',
  MAX_SESSIONS_PER_TREE: '9',
};
const TOOLS = { agent_tools: CHILD_TOOLS };
const tool = (name: string, input: object) => ({ tool: `mcp__cc-docker__${name}`, input });
const spawn = (prompt: string, more: object = {}) => tool('spawn_session', { prompt, ...more });
const resultOf = (call: number) =>
  tool('get_child_result', { child_session_id: `{{result_${call}_child_session_id}}` });
const said = { text: 'It said: {{last_tool_result}}' };

const square = (n: number) => script({ tool: 'Bash', input: { command: `echo $((${n} * ${n}))` } }, said);

/** How often a whole tree is looked at: each look reads all of its sessions. */
const OFTEN_MS = 250;

/** What a figure is once it has stayed the same for a second. */
const settled = async (read: () => Promise<number>): Promise<number> => {
  let [last, since] = [await read(), Date.now()];
  await until(async () => {
    const now = await read();
    if (now !== last) [last, since] = [now, Date.now()];
    expect(Date.now() - since).toBeGreaterThan(1000);
  }, OFTEN_MS);
  return last;
};

describeDocker('children, with the real claude', ({ host, image }) => {
  let service: Service;
  let alice: Client;
  /** Of an owner of its own: a parent that begins the children of several tests. */
  let carol: Client;
  let shared: string;

  beforeAll(async () => {
    service = await Service.start({
      backend: 'docker',
      image,
      runnerEnv: { DOCKER_HOST: host },
      vars: { ...VARS },
    });
    alice = await service.client('alice');
    carol = await service.client('carol');
    shared = await carol.createSession(TOOLS);
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await carol?.deleteSessions();
    await service?.stop();
  });

  const tree = async (id: string, by = alice) => (await by.call('GET', `/sessions/${id}/tree`)).body;
  const ofType = async (id: string, type: string, by = alice) =>
    (await by.events(id)).filter((event) => event.type === type).map(({ data }) => data);

  test('a parent begins three children, waits for all at once, and uses their answers', async () => {
    const answer = await carol.ask(
      shared,
      script(
        { tools: [spawn(square(11)), spawn(square(12)), spawn(square(13))] },
        { tools: [resultOf(0), resultOf(1), resultOf(2)] },
        { text: 'Of {{result_3_result}} and {{result_4_result}} and {{result_5_result}}.' },
      ),
    );
    expect(answer.result).toMatch(/Of It said: 121.* and It said: 144.* and It said: 169/s);
    const view = await carol.show(shared);
    expect(view.child_session_ids).toHaveLength(3);
    expect(await ofType(shared, 'child.result', carol)).toHaveLength(3);
    const { nodes } = await tree(shared, carol);
    expect(nodes.map(({ depth }: { depth: number }) => depth)).toEqual([0, 1, 1, 1]);
    expect(nodes[0].tree_cost_usd).toBeGreaterThan(nodes[0].total_cost_usd);
  });

  test('a grandchild at the deepest place is refused with what it can do instead', async () => {
    const deeper = (levels: number): string =>
      levels === 0 ? script(spawn('deeper'), said) : script(spawn(deeper(levels - 1)), resultOf(0), said);
    const answer = await carol.ask(shared, deeper(2));
    expect(answer.result).toMatch(/spawn_depth_exceeded.*Do the work yourself/);
  });

  test('a child works in a copy of its parent’s files, and takes more work', async () => {
    const write = { tool: 'Write', input: { file_path: '/workspace/a.txt', content: 'from above' } };
    const read = script(
      { tool: 'Bash', input: { command: 'cat /workspace/a.txt; echo changed > /workspace/a.txt' } },
      said,
    );
    const more = tool('send_to_child', {
      child_session_id: '{{result_1_child_session_id}}',
      prompt: script({ text: 'more' }),
    });
    const answer = await carol.ask(
      shared,
      script(write, spawn(read, { workspace: 'clone' }), resultOf(1), more, resultOf(1), {
        text: '{{result_2_result}} then {{result_4_result}}',
      }),
    );
    expect(answer.result).toMatch(/from above.* then more/s);
    expect(await readFile(service.workspace(shared, 'a.txt'), 'utf8')).toBe('from above');
  });

  test('200 attempts of agents’ stay within every cap; their tree pauses once its budget is spent, by one turn at most, and goes on when it is raised', async () => {
    const budget = 0.6;
    const id = await alice.createSession({ ...TOOLS, budget_usd: budget });
    const attempts = (depth: number): object => ({
      tools: Array.from({ length: 20 }, () => spawn(depth === 0 ? 'work' : script(attempts(depth - 1)))),
    });
    const message = await alice.tell(id, script(attempts(1), attempts(0), attempts(0), attempts(0)));
    const reached = async () => expect(await ofType(id, 'session.budget')).toMatchObject([{ state: 'reached' }]);
    await until(reached, OFTEN_MS);
    // Nothing moves any more: what it costs stays what it is, though there is work for a multiple of that.
    const paused = await settled(async () => (await tree(id)).nodes[0].tree_cost_usd);
    expect(paused).toBeGreaterThanOrEqual(budget);

    expect((await alice.call('PATCH', `/sessions/${id}`, { budget_usd: 100 })).status).toBe(200);
    await until(async () => {
      expect((await alice.message(id, message)).status).toBe('completed');
      const statuses: string[] = (await tree(id)).nodes.map(({ status }: { status: string }) => status);
      expect(statuses.filter((status) => status !== 'idle' && status !== 'stopped')).toEqual([]);
    }, OFTEN_MS);
    expect(await ofType(id, 'session.budget')).toMatchObject([{ state: 'reached' }, { state: 'resumed' }]);
    const results = await ofType(id, 'child.result');
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'completed'));
    const { nodes } = await tree(id);
    const turns = nodes.map(
      ({ total_cost_usd, total_turns }: { total_cost_usd: number; total_turns: number }) =>
        total_cost_usd / total_turns,
    );
    expect(paused).toBeLessThanOrEqual(budget + Math.max(...turns));
    expect(nodes[0].tree_cost_usd).toBeGreaterThan(2 * budget);
    expect(nodes).toHaveLength(9);
    expect(nodes.filter(({ depth }: { depth: number }) => depth === 1)).toHaveLength(6);
    const logs = await Promise.all(nodes.map(({ session_id }: { session_id: string }) => alice.events(session_id)));
    const calls = logs
      .flat()
      .filter(({ type, data }) => type === 'user' && JSON.stringify(data).includes('tool_result'));
    expect(calls.length).toBeGreaterThanOrEqual(200);
  });

  test('stopping a parent stops its tree, and no container is left', async () => {
    const id = await alice.createSession(TOOLS);
    const endless = script({ hang: true });
    await alice.tell(id, script({ tools: [spawn(endless), spawn(script(spawn(endless), resultOf(0)))] }, resultOf(0)));
    await until(async () => {
      const running = (await tree(id)).nodes.filter(({ status }: { status: string }) => status === 'running');
      expect(running).toHaveLength(4);
    });
    expect((await alice.call('POST', `/sessions/${id}/stop`)).body.status).toBe('stopped');
    const { nodes } = await tree(id);
    expect(nodes.map(({ status }: { status: string }) => status)).toEqual(Array.from({ length: 4 }, () => 'stopped'));
    await until(async () => {
      const { body } = await alice.call('GET', `/sessions/${id}`);
      expect(body.container_id).toBeNull();
    });
  });

  test('a child’s news are told once, to its parent and to a webhook, though edge and runner die on the way', async () => {
    const receiver = await Receiver.start();
    try {
      const id = await alice.createSession();
      const callback = { type: 'webhook', url: receiver.url };
      const slow = script({ tool: 'Bash', input: { command: 'until [ -e go ]; do sleep 0.2; done; echo late' } }, said);
      const { status, body } = await alice.call('POST', `/sessions/${id}/spawn`, { prompt: slow, callback });
      expect(status).toBe(201);
      // Until there is a file `go` the turn needs no model, so that it outlives the runner.
      await until(async () => {
        const said = await alice.events(body.child_session_id);
        expect(said.some(({ type, data }) => type === 'assistant' && JSON.stringify(data).includes('"Bash"'))).toBe(
          true,
        );
      });
      await service.stopRunner('SIGKILL');
      await service.stopEdge();
      await service.startEdge();
      await service.startRunner();
      await writeFile(service.workspace(body.child_session_id, 'go'), '');
      await until(async () => expect(await ofType(id, 'child.result')).toHaveLength(1));
      expect(await ofType(id, 'child.result')).toMatchObject([{ status: 'completed', result: 'It said: late' }]);
      const results = () => receiver.posts.filter((post) => JSON.parse(post.body).type === 'child.result');
      await until(() => expect(results()).toHaveLength(1));
      for (const post of receiver.posts) {
        expect(post.headers['webhook-signature']).toBe(expectedSignature(post, body.callback_secret));
      }
      expect(new Set(receiver.ids).size).toBe(receiver.posts.length);
      expect(await ofType(id, 'child.result')).toHaveLength(1);
    } finally {
      await receiver.stop();
    }
  });
});
