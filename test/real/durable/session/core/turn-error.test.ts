import { expect, onTestFinished, test } from 'vitest';
import { readClaudeLine } from '../../../../../durable/session/core/link/claude-line.ts';
import type { TurnOutcome } from '../../../../../durable/session/core/life/input.ts';
import { containerModelEnv, modelUpstreamEnvironment } from '../../../../../runner/model/upstream.ts';
import { scripted, startClaude } from '../../../../support/model/model-claude.ts';
import { openTestGateway } from '../../../../support/model/model-socket.ts';
import { startUpstream } from '../../../../support/model/model-upstream.ts';

/** The real `claude`, and how each of its turns ends, read from its own lines as the session reads them from its log. */
async function claudeWith(modelEnv: Record<string, string>) {
  const claude = await startClaude(modelEnv);
  onTestFinished(() => claude.close());
  return async (prompt: string): Promise<TurnOutcome> => {
    await claude.ask(prompt);
    const lines = claude.raw
      .map((json) => ({ type: (JSON.parse(json) as { type: string }).type, json }))
      .filter(({ type }) => type !== 'stream_event');
    const [result, ...before] = lines.toReversed();
    const read = readClaudeLine(result?.json ?? '', before);
    if (!read.ok || read.signal?.is !== 'result') throw new Error('the turn has no result');
    return read.signal.outcome;
  };
}

async function demoClaude() {
  const gateway = await openTestGateway({ upstream: { kind: 'demo' } });
  onTestFinished(() => gateway.close());
  const ask = await claudeWith(containerModelEnv({ kind: 'demo' }, gateway.socketPath));
  return (...steps: object[]) => ask(scripted(steps));
}

test('each failure of the model has its own code, turn after turn', async () => {
  const failures: [string, object][] = [
    ['model_refused', { stop: 'refusal' }],
    ['output_limit', { stop: 'max_tokens' }],
    ['context_window_full', { stop: 'model_context_window_exceeded' }],
    ['image_rejected', { error: { status: 400, message: 'image exceeds 5 MB maximum' } }],
    ['image_rejected', { error: { status: 413 } }],
    [
      'model_billing',
      { error: { status: 400, message: 'Your credit balance is too low to access the Anthropic API' } },
    ],
    ['model_billing', { error: { status: 402 } }],
    ['model_auth_failed', { error: { status: 401 } }],
    ['model_auth_failed', { error: { status: 403 } }],
    ['model_not_found', { error: { status: 404 } }],
    ['model_rate_limited', { error: { status: 429 } }],
    ['model_overloaded', { error: { status: 529 } }],
    ['model_error', { error: { status: 500 } }],
    ['model_error', { error: { status: 400 } }],
    ['model_unreachable', { cut: true }],
  ];
  const ask = await demoClaude();
  const outcomes: TurnOutcome[] = [];
  for (const [, step] of failures) outcomes.push(await ask({ text: 'a word' }, step));
  expect(outcomes).toMatchObject(failures.map(([code]) => ({ ok: false, aborted: false, error: { code } })));
  expect(await ask({ text: 'well' })).toEqual({ ok: true });
});

test('a prompt that is too long has its own code', async () => {
  const ask = await demoClaude();
  const message = 'prompt is too long: 210000 tokens > 200000 maximum';
  expect(await ask({ error: { status: 400, message } })).toMatchObject({ error: { code: 'prompt_too_long' } });
});

test('an answer that was cut off once goes on, and the turn is a good one', async () => {
  const ask = await demoClaude();
  expect(await ask({ text: 'half' }, { stop: { reason: 'max_tokens', times: 1 } }, { text: ' and half' })).toEqual({
    ok: true,
  });
});

test.each([
  ['five_hour', '2100-01-01T00:00:00.000Z'],
  ['seven_day', '2100-01-01T00:00:00.000Z'],
])('a subscription’s %s limit has the time at which it is reset', async (claim, retry_at) => {
  const model = await startUpstream((response) => {
    response.writeHead(429, {
      'content-type': 'application/json',
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': String(Date.parse(retry_at) / 1000),
      'anthropic-ratelimit-unified-representative-claim': claim,
    });
    response.end('{"type":"error","error":{"type":"rate_limit_error","message":"x"}}');
  });
  onTestFinished(() => model.close());
  const upstream = modelUpstreamEnvironment.parse({ CLAUDE_CODE_OAUTH_TOKEN: 'x', ANTHROPIC_BASE_URL: model.url });
  const gateway = await openTestGateway({ upstream });
  onTestFinished(() => gateway.close());
  const ask = await claudeWith(containerModelEnv(upstream, gateway.socketPath));
  expect(await ask('hi')).toMatchObject({ error: { code: 'model_rate_limited', retry_at } });
});
