import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Chromium, hasChromium } from '../../support/client/chromium.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { expectedSignature, Receiver } from '../../support/net/receiver.ts';
import { until } from '../../support/until.ts';

const write = (name: string, content: string) => ({
  tool: 'Write',
  input: { file_path: `/workspace/${name}`, content },
});
const said = { text: 'It said: {{last_tool_result}}' };
const ASK = 'mcp__cc-docker__ask_user';
const TOOLS = { agent_tools: ['ask_user', 'notify_user'] };

describeDocker('people in the loop, with the real claude', ({ host, image }) => {
  let service: Service;
  let alice: Client;
  /** With TOOLS; of an owner of its own, so that no test deletes it. */
  let shared: string;
  let carol: Client;

  beforeAll(async () => {
    // The webhook of one test is on loopback.
    const vars = { WEBHOOK_ALLOW: '127.0.0.1/32' };
    service = await Service.start({ backend: 'docker', image, runnerEnv: { DOCKER_HOST: host }, vars });
    alice = await service.client('alice');
    carol = await service.client('carol');
    shared = await carol.createSession(TOOLS);
  });
  afterEach(async () => await alice?.deleteSessions());
  afterAll(async () => {
    await carol?.deleteSessions();
    await service?.stop();
  });

  const open = async (id: string, by = alice) =>
    await until(async () => {
      const { body } = await by.call('GET', `/sessions/${id}/interactions?state=open`);
      expect(body.data.length).toBeGreaterThan(0);
      return body.data[0];
    });
  const resolve = async (id: string, interaction: string, body: object, by = alice) =>
    await by.call('POST', `/sessions/${id}/interactions/${interaction}/resolve`, body);
  const finished = async (id: string, message: string, by = alice) =>
    await until(async () => {
      const view = await by.message(id, message);
      expect(view.finished_at).not.toBeNull();
      return view;
    });

  test('a tool waits for leave: allowed it runs, denied the model reads why, allowed for the session it asks no more', async () => {
    const id = await alice.createSession({ permission_mode: 'ask' });
    const denied = await alice.tell(id, script(write('a.txt', 'one'), said));
    const first = await open(id);
    expect(first).toMatchObject({ state: 'open', subject: { kind: 'permission', tool_name: 'Write' } });
    expect(first.subject.input).toMatchObject({ content: 'one' });
    expect(await alice.show(id)).toMatchObject({ status: 'running', open_interactions: 1 });
    await resolve(id, first.interaction_id, { decision: 'deny', message: 'Not before Friday.' });
    expect((await finished(id, denied)).result).toContain('Not before Friday.');
    expect(existsSync(service.workspace(id, 'a.txt'))).toBe(false);

    const allowed = await alice.tell(id, script(write('a.txt', 'two'), said));
    await resolve(id, (await open(id)).interaction_id, { decision: 'allow_session' });
    expect(await finished(id, allowed)).toMatchObject({ status: 'completed' });
    expect(await readFile(service.workspace(id, 'a.txt'), 'utf8')).toBe('two');
    expect(await alice.ask(id, script(write('b.txt', 'three'), said))).toMatchObject({ status: 'completed' });
    expect((await alice.call('GET', `/sessions/${id}/interactions`)).body.data).toHaveLength(2);
  });

  /** Carol's agent asks which port, and a webhook of hers hears of it. @param answer given the link in its post */
  async function answersByLink(answer: (url: string) => Promise<void>): Promise<void> {
    const receiver = await Receiver.start();
    try {
      const events = ['interaction.*', 'message.completed'];
      const { body: webhook } = await carol.call('PUT', '/webhooks/here', { url: receiver.url, events });
      const input = { question: 'Which port?', options: ['80', '443'] };
      const sent = await carol.tell(shared, script({ tool: ASK, input }, said));
      const posted = async (type: string) =>
        await until(() => {
          const found = receiver.posts.find(({ body }) => JSON.parse(body).type === type);
          if (found === undefined) throw new Error(`no ${type} yet`);
          expect(found.headers['webhook-signature']).toBe(expectedSignature(found, webhook.secret));
          return JSON.parse(found.body).data;
        });
      await answer((await posted('interaction.opened')).answer.url);
      expect((await finished(shared, sent, carol)).result).toContain('443');
      expect(await posted('interaction.resolved')).toMatchObject({ resolved_by: 'carol' });
      expect(await posted('message.completed')).toMatchObject({ session_id: shared, message_id: sent });
    } finally {
      await carol.call('DELETE', '/webhooks/here');
      await receiver.stop();
    }
  }

  test('a webhook hears of a question, its link answers it, and the agent goes on', async () => {
    await answersByLink(async (url) => {
      const answered = await fetch(url, { method: 'POST', body: new URLSearchParams({ q0: '443' }) });
      expect(await answered.json()).toMatchObject({ state: 'resolved' });
    });
  });

  test('in a browser, the link’s page answers with one click', async ({ skip }) => {
    if (!hasChromium()) skip('chromium is not installed');
    await answersByLink(async (url) => {
      const page = await Chromium.open(url);
      try {
        const text = async () => String(await page.evaluate('document.body.innerText'));
        expect(await text()).toContain('Which port?');
        await page.evaluate(`document.querySelector('button[value="443"]').click()`);
        await until(async () => expect(await text()).toContain('The agent has your answer'));
      } finally {
        await page.stop();
      }
    });
  });

  test('Claude Code’s own question waits for an answer, and gets the one that is given', async () => {
    const questions = [
      {
        question: 'Which colour?',
        header: 'Colour',
        multiSelect: false,
        options: [
          { label: 'teal', description: 'like the sea' },
          { label: 'rust', description: 'like a ship' },
        ],
      },
    ];
    const message = await carol.tell(shared, script({ tool: 'AskUserQuestion', input: { questions } }, said));
    const asked = await open(shared, carol);
    expect(asked.subject).toMatchObject({ kind: 'question', questions: [{ question: 'Which colour?' }] });
    await resolve(shared, asked.interaction_id, { answer: 'rust' }, carol);
    expect((await finished(shared, message, carol)).result).toContain('rust');
  });

  test('ask_user: two people answer at the same instant, one wins, and the model sees one answer', async () => {
    const ask = { tool: ASK, input: { question: 'Ship it?', options: ['yes', 'no'] } };
    const message = await carol.tell(shared, script(ask, said));
    const { interaction_id } = await open(shared, carol);
    const other = await service.client('carol');
    const answered = await Promise.all([
      resolve(shared, interaction_id, { answer: 'yes' }, carol),
      resolve(shared, interaction_id, { answer: 'no' }, other),
    ]);
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const winner = answered[0]?.status === 200 ? 'yes' : 'no';
    const { result } = await finished(shared, message, carol);
    expect(result).toContain(winner);
    expect((await resolve(shared, interaction_id, { answer: winner }, carol)).status).toBe(200);
    expect((await resolve(shared, interaction_id, { answer: 'perhaps' }, carol)).status).toBe(409);
  });

  test('nobody answers: the default is taken at the deadline; a permission ends as the session says', async () => {
    const id = await alice.createSession({
      permission_mode: 'ask',
      interaction_timeout_seconds: 2,
      ...TOOLS,
    });
    const ask = { tool: ASK, input: { question: 'Port?', timeout_seconds: 1, default: '8080' } };
    expect((await alice.ask(id, script(ask, said))).result).toContain('8080');
    const denied = await alice.ask(id, script(write('a.txt', 'x'), said));
    expect(denied.result).toMatch(/nobody|in time/i);
    const states = (await alice.call('GET', `/sessions/${id}/interactions`)).body.data.map(
      ({ state }: { state: string }) => state,
    );
    expect(states).toEqual(['expired', 'expired']);
  });

  test('asked, the runner killed, the edge killed: the answer reaches the model once', async () => {
    const id = await alice.createSession(TOOLS);
    const message = await alice.tell(id, script({ tool: ASK, input: { question: 'Name?' } }, said));
    const { interaction_id } = await open(id);
    await service.stopRunner('SIGKILL');
    await service.stopEdge();
    await service.startEdge();
    await service.startRunner();
    expect((await resolve(id, interaction_id, { answer: 'Ada' })).status).toBe(200);
    expect((await finished(id, message)).result).toContain('Ada');
    const results = (await alice.events(id)).filter(
      ({ type, data }) => type === 'user' && JSON.stringify(data).includes('Ada'),
    );
    expect(results).toHaveLength(1);
  });

  test('asked, then parked: the answer wakes the session, and reaches the model once', async () => {
    const id = await alice.createSession(TOOLS);
    await alice.tell(id, script({ tool: ASK, input: { question: 'Which harbour?' } }, said));
    const { interaction_id } = await open(id);
    await alice.park(id);
    expect(await open(id)).toMatchObject({ interaction_id, detached: true });
    expect((await resolve(id, interaction_id, { answer: 'Rotterdam' })).status).toBe(200);
    await alice.until(id, ({ status, total_turns, epoch }) => status === 'idle' && epoch === 2 && total_turns > 0);
    const prompts = (await alice.events(id)).filter(({ type }) => type === 'message.queued');
    expect(prompts.at(-1)?.data.prompt).toContain('Rotterdam');
    expect(prompts.filter(({ data }) => data.prompt.includes('Rotterdam'))).toHaveLength(1);
  });

  test('a turn that is interrupted withdraws what it asked', async () => {
    const id = await alice.createSession({ permission_mode: 'ask' });
    const message = await alice.tell(id, script(write('a.txt', 'x'), said));
    const { interaction_id } = await open(id);
    await alice.call('POST', `/sessions/${id}/interrupt`);
    await finished(id, message);
    await until(async () => {
      const { body } = await alice.call('GET', `/sessions/${id}/interactions/${interaction_id}`);
      expect(body.state).toBe('withdrawn');
    });
    expect((await resolve(id, interaction_id, { decision: 'allow' })).status).toBe(409);
  });

  test('the agent tells its user something, and goes on', async () => {
    const notify = { tool: 'mcp__cc-docker__notify_user', input: { message: 'Half done', priority: 'high' } };
    expect(await carol.ask(shared, script(notify, said))).toMatchObject({ status: 'completed' });
    const told = (await carol.events(shared)).filter(({ type }) => type === 'session.notification');
    expect(told.map(({ data }) => data)).toMatchObject([{ message: 'Half done', priority: 'high' }]);
  });
});
