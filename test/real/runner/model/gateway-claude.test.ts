import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { containerModelEnv, modelUpstreamEnvironment, type ModelUpstream } from '../../../../runner/model/upstream.ts';
import { createModelPool } from '../../../../runner/model/pool.ts';
import { scripted, startClaude } from '../../../support/model/model-claude.ts';
import { openTestGateway } from '../../../support/model/model-socket.ts';
import { startUpstream, streamedMessage } from '../../../support/model/model-upstream.ts';
import { until } from '../../../support/until.ts';

/** The real `claude`, whose only way out is a gateway to this model. */
async function openClaude(upstream: ModelUpstream, maxRetries?: number) {
  const gateway = await openTestGateway({ upstream, pool: createModelPool() });
  const claude = await startClaude(containerModelEnv(upstream, gateway.socketPath), maxRetries);
  const close = async () => {
    await claude.close();
    await gateway.close();
  };
  return { claude, gateway, close };
}

/** The same, until the test ends. */
async function claudeWith(upstream: ModelUpstream, maxRetries?: number) {
  const { close, ...opened } = await openClaude(upstream, maxRetries);
  onTestFinished(close);
  return opened;
}

describe('claude with the demo model', () => {
  /** One conversation: what the later tests say comes after the first one's messages. */
  let demo: Awaited<ReturnType<typeof openClaude>>;
  beforeAll(async () => (demo = await openClaude({ kind: 'demo' }, 1)));
  afterAll(async () => await demo?.close());

  test('follows a script through tools and a passing error, and knows the first message in the second', async () => {
    const { claude } = demo;
    await claude.ask('I am Ada');
    const { result } = await claude.ask(
      scripted([
        { thinking: 'hm' },
        { tools: [{ tool: 'Bash', input: { command: 'echo from-bash' } }] },
        { error: { status: 529, times: 1 } },
        { text: '{{last_tool_result}}, {{first_prompt}}, {{prompt_count}}' },
      ]),
    );
    expect(result).toBe('from-bash, I am Ada, 2');
  });

  test('writes the file that the prompt names', async () => {
    const { claude } = demo;
    const { is_error, result } = await claude.ask('Create hello.md with a haiku about containers');
    expect([is_error, result]).toEqual([false, expect.stringContaining(`I wrote ${claude.cwd}/hello.md`)]);
    expect((await readFile(join(claude.cwd, 'hello.md'), 'utf8')).trim().split('\n')).toHaveLength(3);
  });

  test('is interrupted in a slow stream, and answers the next prompt', async () => {
    const { claude, gateway } = demo;
    let interrupted = false;
    const steps = [
      { text: 'word ', repeat: 10_000, tokens_per_second: 50 },
      { tool: 'Bash', input: { command: 'false' } },
    ];
    const first = await claude.ask(scripted(steps, 'go'), (text) => {
      if (!interrupted && text.length > 20) claude.interrupt();
      interrupted ||= text.length > 20;
    });
    expect(first.terminal_reason).toBe('aborted_streaming');
    // The agent may tell of it before the gateway has heard of it.
    await until(() => expect(gateway.exchanges.at(-1)).toEqual({ outcome: 'aborted' }));
    const second = await claude.ask('Still there?');
    expect(second.result).toMatch(/“Still there\?”.*message 5.*“I am Ada”/);
  });
});

describe('claude with a model that refuses', () => {
  let answers: [status: number, type: string];
  let model: Awaited<ReturnType<typeof startUpstream>>;
  let refused: Awaited<ReturnType<typeof openClaude>>;
  beforeAll(async () => {
    model = await startUpstream((response) => {
      const [status, type] = answers;
      const error = { type: 'error', error: { type, message: 'its own words' } };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(error));
    });
    refused = await openClaude({ kind: 'anthropic', baseUrl: model.url, credential: undefined });
  });
  afterAll(async () => {
    await refused?.close();
    await model?.close();
  });

  test.each([
    [401, 'authentication_error'],
    [429, 'rate_limit_error'],
    [529, 'overloaded_error'],
  ])("shows the model's own %i %s", async (status, type) => {
    answers = [status, type];
    const result = await refused.claude.ask('hello');
    expect(result).toMatchObject({
      is_error: true,
      terminal_reason: 'api_error',
      api_error_status: status,
      api_error_type: type,
    });
    expect(result.result).toContain('its own words');
  });
});

describe('claude with a model upstream', () => {
  test.each([
    ['ANTHROPIC_API_KEY', 'x-api-key', 'real-value', false],
    ['ANTHROPIC_AUTH_TOKEN', 'authorization', 'Bearer real-value', false],
    ['CLAUDE_CODE_OAUTH_TOKEN', 'authorization', 'Bearer real-value', true],
  ])('has only a dummy; %s reaches the model, and previews come as it speaks', async (name, header, value, oauth) => {
    const heard = Promise.withResolvers<void>();
    const [begin, end] = streamedMessage('The first words ', 'and the last.');
    const model = await startUpstream(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(begin);
      await heard.promise;
      response.end(end);
    });
    onTestFinished(() => model.close());
    const { claude } = await claudeWith(
      modelUpstreamEnvironment.parse({ [name]: 'real-value', ANTHROPIC_BASE_URL: `${model.url}/prefix` }),
    );
    const { result } = await claude.ask('hello', (text) => text === 'The first words ' && heard.resolve());
    expect(result).toBe('The first words and the last.');
    for (const { url, headers, body } of model.seen) {
      expect(url).toBe('/prefix/v1/messages?beta=true');
      expect(headers[header]).toBe(value);
      expect(JSON.stringify(headers) + body).not.toContain('dummy');
      expect(String(headers['anthropic-beta']).includes('oauth')).toBe(oauth);
    }
  });

  test('says that the model is unreachable, and where it was looked for', async () => {
    const { claude } = await claudeWith({ kind: 'anthropic', baseUrl: 'http://127.0.0.1:9', credential: undefined });
    const result = await claude.ask('hello');
    expect(result).toMatchObject({ is_error: true, api_error_status: 502, api_error_type: 'model_unreachable' });
    expect(result.result).toContain('the model at http://127.0.0.1:9 cannot be reached (ECONNREFUSED)');
  });
});
