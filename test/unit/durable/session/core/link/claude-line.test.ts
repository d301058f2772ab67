import { describe, expect, it } from 'vitest';
import { readClaudeLine } from '../../../../../../durable/session/core/link/claude-line.ts';
import type { LoggedLine } from '../../../../../../durable/session/core/turns/turn-error.ts';
import ENDS from '../../../../../fixtures/claude-lines/turn-ends.json' with { type: 'json' };

/** As Claude Code 2.1.330 wrote them; test/real/durable/session/core/turn-error.test.ts has the real one write them again. */
type End = keyof typeof ENDS;

const typeOf = (line: string): string => (JSON.parse(line) as { type: string }).type;
const logged = (lines: readonly string[]): LoggedLine[] => lines.map((json) => ({ type: typeOf(json), json }));

/** What the `result` among these lines means, after those before it. */
function resultOf(lines: readonly string[]) {
  const at = lines.findLastIndex((line) => typeOf(line) === 'result');
  const read = readClaudeLine(lines[at] ?? '', logged(lines.slice(0, at)).toReversed());
  if (!read.ok || read.signal?.is !== 'result') throw new Error('no result among these lines');
  return read.signal;
}

function errorOf(lines: readonly string[]) {
  const { outcome } = resultOf(lines);
  if (outcome.ok) throw new Error('the turn did not fail');
  return outcome.error;
}

/** The lines with `change` made to each that is a JSON object of this type. */
const changed = (end: End, type: string, change: object): string[] =>
  ENDS[end].map((line) => (typeOf(line) === type ? JSON.stringify({ ...JSON.parse(line), ...change }) : line));

const resultAlone = (end: End): string[] => ENDS[end].filter((line) => typeOf(line) === 'result');

/** A log that fails when it is read. */
function* unread(): Generator<LoggedLine> {
  yield* [];
  throw new Error('a turn that went well needs no line before it');
}

const error = { is_error: true, subtype: 'success', type: 'result' };

describe('the end of a turn', () => {
  it.each<[End, string, string]>([
    ['refusal', 'model_refused', 'safeguards'],
    ['max_tokens', 'output_limit', 'ask for less'],
    ['model_context_window_exceeded', 'context_window_full', '/compact'],
    ['400 prompt is too long', 'prompt_too_long', 'Prompt is too long'],
    ['413', 'image_rejected', 'Request too large'],
    ['400 image', 'image_rejected', 'Image was too large'],
    ['400 credit', 'model_billing', 'Credit balance is too low'],
    ['402', 'model_billing', '(402)'],
    ['401', 'model_auth_failed', '(401)'],
    ['403', 'model_auth_failed', '(403)'],
    ['404', 'model_not_found', 'selected model'],
    ['429', 'model_rate_limited', 'try again later'],
    ['429 usage limit', 'model_rate_limited', 'until 2026-11-30T00:53:20.000Z'],
    ['429 of a subscription, no usage limit', 'model_rate_limited', 'not your usage limit'],
    ['529', 'model_overloaded', '(529)'],
    ['400', 'model_error', '400'],
    ['500', 'model_error', '500'],
    ['502 of the gateway', 'model_unreachable', 'ANTHROPIC_BASE_URL'],
    ['connection cut', 'model_unreachable', 'ECONNRESET'],
    ['connection refused', 'model_unreachable', 'ECONNREFUSED'],
  ])('%s is %s', (end, code, words) => {
    const { code: is, detail } = errorOf(ENDS[end]);
    expect(is).toBe(code);
    expect(detail).toContain(words);
  });

  it('has the time at which a usage limit is reset, and no other limit has one', () => {
    expect(errorOf(ENDS['429 usage limit']).retry_at).toBe('2026-11-30T00:53:20.000Z');
    expect(errorOf(ENDS['429'])).not.toHaveProperty('retry_at');
    expect(errorOf(ENDS['429 of a subscription, no usage limit'])).not.toHaveProperty('retry_at');
  });

  it.each([-1, 1e300, 'soon', null])('has no such time when the container claims %s', (resetsAt) => {
    const api_error_params = { rate_limit_info: { status: 'rejected', resetsAt } };
    const lines = changed('429 usage limit', 'assistant', { api_error_params });
    expect(errorOf(lines)).toMatchObject({ code: 'model_rate_limited' });
    expect(errorOf(lines)).not.toHaveProperty('retry_at');
  });

  it('is not explained by a subagent’s error', () => {
    const lines = changed('model_context_window_exceeded', 'assistant', { parent_tool_use_id: 'toolu_1' });
    expect(errorOf(lines).code).toBe('output_limit');
  });

  it('is not explained by the error of the turn before it', () => {
    const ended = ENDS['400 credit'];
    const next = JSON.stringify({ ...error, terminal_reason: 'api_error', api_error_status: 400 });
    expect(errorOf([...ended, next]).code).toBe('model_error');
  });

  it('is told from the result alone when no line before it explains it', () => {
    expect(errorOf(resultAlone('429 usage limit'))).toMatchObject({ code: 'model_rate_limited' });
    expect(errorOf(resultAlone('404')).code).toBe('model_not_found');
    expect(errorOf(resultAlone('max_tokens')).code).toBe('output_limit');
    expect(errorOf(resultAlone('connection cut')).code).toBe('model_unreachable');
  });

  it('is no failure of the network when the model failed otherwise without a status', () => {
    expect(errorOf([JSON.stringify({ ...error, terminal_reason: 'api_error', api_error_status: null })]).code).toBe(
      'model_error',
    );
  });

  it('is told in Claude Code’s own words when it has no result', () => {
    const line = { ...error, subtype: 'error_during_execution', errors: ['No conversation found', 'with this id'] };
    expect(errorOf([JSON.stringify(line)])).toEqual({
      code: 'execution_error',
      detail: 'No conversation found with this id',
    });
  });

  it('reads no further back in the log than it needs', () => {
    const read: string[] = [];
    function* log() {
      for (const line of logged(ENDS['429 usage limit']).toReversed().slice(1)) {
        read.push(line.type);
        yield line;
      }
      throw new Error('read too far');
    }
    const lines = ENDS['429 usage limit'];
    readClaudeLine(lines.findLast((line) => typeOf(line) === 'result') ?? '', log());
    expect(read.at(-1)).toBe('assistant');
    readClaudeLine(JSON.stringify({ ...error, is_error: false, terminal_reason: 'completed' }), unread());
  });

  it('counts the tokens of its calls to the model, cached ones apart', () => {
    expect(resultOf(ENDS['max_tokens']).turn.usage).toEqual({
      input_tokens: 20,
      output_tokens: 20,
      cache_creation_input_tokens: 28,
      cache_read_input_tokens: 44,
    });
  });
});
