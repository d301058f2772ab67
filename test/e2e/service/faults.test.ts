import { afterAll, afterEach, expect, onTestFailed, onTestFinished, test } from 'vitest';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { script, spoken, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

/** Ten words, one tool call after the other, with time to break something in between. */
const STORY = script(
  ...Array.from({ length: 10 }, (_, n) => [
    { text: `word ${n}` },
    { tool: 'Bash', input: { command: `sleep 0.3; echo ${n} >> told` } },
  ]).flat(),
  { text: 'the end' },
);
const WORDS = [...Array.from({ length: 10 }, (_, n) => `word ${n}`), 'the end'];

describeDocker('when a part breaks', ({ docker, host, image }) => {
  let service: Service;
  let running = false;
  let client: Client | undefined;
  let refused: Promise<{ owner: Client; id: string }> | undefined;

  /** A client of the one service, after a test that failed of a new one. `change`: of its runner's environment, for this test. */
  const start = async (change?: Readonly<Record<string, string>>): Promise<Client> => {
    if (!running) service = await Service.start({ backend: 'docker', image, runnerEnv: { DOCKER_HOST: host } });
    running = true;
    onTestFailed(stop);
    if (change !== undefined) {
      await restartRunner(change);
      onTestFinished(async () => {
        if (running) await restartRunner();
      });
    }
    client = await service.client();
    return client;
  };
  const restartRunner = async (change: Readonly<Record<string, string>> = {}) => {
    await service.stopRunner();
    await service.startRunner(change);
  };
  const stop = async () => {
    if (running) await service.stop();
    refused = undefined;
    running = false;
  };
  afterEach(async () => {
    if (running) await client?.deleteSessions();
  });
  afterAll(async () => {
    await (await refused)?.owner.deleteSessions();
    await stop();
  });

  test('the runner killed in the middle of a turn: the turn goes on, and no word is lost or told twice', async () => {
    // A model call that finds no runner is tried again, as it is with Claude Code's own default.
    const client = await start({ CLAUDE_CODE_MAX_RETRIES: '10' });
    const id = await client.createSession();
    const watcher = client.watch(id, 0);
    const message = await client.tell(id, STORY);
    await watcher.until(({ data }) => data.message?.content?.[0]?.text === 'word 2');
    await service.stopRunner('SIGKILL');
    await service.startRunner({ CLAUDE_CODE_MAX_RETRIES: '10' });
    await watcher.until(({ type, data }) => type === 'message.completed' && data.message_id === message);
    const events = await client.events(id);
    expect(spoken(events)).toEqual(WORDS);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(await client.show(id)).toMatchObject({ status: 'idle', epoch: 1 });
  });

  test('the edge killed in the middle of a turn: it is all there when the edge is back', async () => {
    const client = await start();
    const id = await client.createSession();
    const watcher = client.watch(id, 0);
    const message = await client.tell(id, STORY);
    await watcher.until(({ data }) => data.message?.content?.[0]?.text === 'word 2');
    await service.stopEdge();
    await service.startEdge();
    await expect.poll(async () => (await client.message(id, message)).status).toBe('completed');
    const events = await client.events(id);
    expect(spoken(events)).toEqual(WORDS);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });

  test('the container killed in the middle of a turn: the message says so, what it had said is kept, and the next wakes it', async () => {
    const client = await start();
    const id = await client.createSession();
    const watcher = client.watch(id, 0);
    const message = await client.tell(id, STORY);
    await watcher.until(({ data }) => data.message?.content?.[0]?.text === 'word 2');
    await docker.getContainer(`cc-docker-${id}-1`).kill();
    await watcher.until(({ type }) => type === 'message.failed');
    expect(await client.message(id, message)).toMatchObject({ status: 'failed', error: { code: 'container_exited' } });
    expect(spoken(await client.events(id)).slice(0, 3)).toEqual(WORDS.slice(0, 3));
    const { result } = await client.ask(id, script({ text: '{{prompt_count}}' }));
    expect(Number(result)).toBe(2);
  });

  test('the runner told to end: it parks its sessions, leaves no container, and they wake when it is back', async () => {
    const client = await start();
    const id = await client.createSession();
    await client.ask(id, 'Remember: teal.');
    expect(await service.stopRunner('SIGTERM')).toBe(0);
    // A busy engine may still be at it when the runner has ended.
    await until(async () => {
      const left = await docker.listContainers({ all: true, filters: { label: [`cc-docker.session=${id}`] } });
      expect(left).toEqual([]);
    });
    expect(await client.show(id)).toMatchObject({ status: 'stopped', reason: { code: 'runner_draining' } });
    await service.startRunner();
    expect((await client.ask(id, script({ text: '{{first_prompt}}' }))).result).toBe('Remember: teal.');
  });

  test('no runner: the session waits and says what to do, and runs when one comes', async () => {
    const client = await start();
    await service.stopRunner();
    const id = await client.createSession();
    await expect.poll(async () => (await client.show(id)).reason?.code).toBe('no_runner');
    const answer = client.ask(id, 'Hello');
    await service.startRunner();
    expect((await answer).status).toBe('completed');
  });

  test('the engine down: the session says so, and the service goes on', async () => {
    const client = await start({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    const id = await client.createSession();
    const answer = await client.ask(id, 'Hello');
    expect(answer).toMatchObject({ status: 'failed', error: { code: 'engine_unavailable' } });
    expect(answer.error.detail).toContain('Docker');
    expect(await client.show(id)).toMatchObject({ status: 'failed', reason: { code: 'engine_unavailable' } });
    const health = await (await fetch(`${service.url}/health`)).json();
    expect(health).toMatchObject({ status: 'degraded', parts: { pool: { ok: false } } });
    await service.stopRunner();
    await service.startRunner();
    expect((await client.ask(id, 'Hello again')).status).toBe('completed');
  });

  test('the image missing: the session says how to build it', async () => {
    const client = await start({ SESSION_IMAGE: 'cc-docker/session:not-built' });
    const id = await client.createSession();
    const answer = await client.ask(id, 'Hello');
    expect(answer).toMatchObject({ status: 'failed', error: { code: 'image_missing' } });
    expect(answer.error.detail).toContain('npm run image');
  });

  test('the model out of reach: the message says where it was looked for', async () => {
    const model = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', ANTHROPIC_API_KEY: 'sk-ant-of-no-use' };
    const client = await start(model);
    const id = await client.createSession();
    const answer = await client.ask(id, 'Hello');
    expect(answer).toMatchObject({ status: 'failed', error: { code: 'model_unreachable' } });
    expect(answer.error.detail).toContain('http://127.0.0.1:9');
    expect(answer.error.detail).toContain('ANTHROPIC_BASE_URL');
  });

  test.each([
    [401, 'model_auth_failed'],
    [429, 'model_rate_limited'],
    [529, 'model_overloaded'],
  ])('the model answers %i: the message says %s, and the session goes on', async (status, code) => {
    await start();
    onTestFailed(() => void (refused = undefined));
    // One session for all three: it goes on after each. It is of an owner whose sessions stay.
    refused ??= service.client().then(async (owner) => ({ owner, id: await owner.createSession() }));
    const { owner, id } = await refused;
    const answer = await owner.ask(id, script({ error: { status } }));
    expect(answer).toMatchObject({ status: 'failed', error: { code } });
    expect((await owner.ask(id, script({ text: 'well again' }))).result).toBe('well again');
  });
});
