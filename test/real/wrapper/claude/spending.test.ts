import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';
import type { Block } from '../../../support/wrapper/scripted-model.ts';
import type { SessionSide } from '../../../support/wrapper/session-side.ts';

const ask: Block = { tool: 'mcp__cc-docker__ask_user', input: { question: 'And now?' } };
const CALLS = 4;

/** A session whose model asks three times in each turn, which makes four calls of it, and is done. */
async function asking(): Promise<Stage> {
  let call = 0;
  return Stage.open((_, __, tools) => {
    // Claude Code asks a model for other things too, as for a title.
    if (tools.length === 0) return [{ words: ['aside'] }];
    call += 1;
    return call % CALLS === 0 ? [{ words: ['done'] }] : [ask];
  });
}

/** What the turn of this result cost, as the edge reads it. */
function costOf(result: Record<string, unknown>): number {
  const usage = result['model_usage_since_last_result'] as Record<string, { costUSD: number }>;
  return Object.values(usage).reduce((sum, { costUSD }) => sum + costUSD, 0);
}

/** A turn whose questions are answered one by one, each once what was spent until then has been told; what was told. */
async function watchedTurn(session: SessionSide) {
  const before = { spent: session.all('spent').length, asked: session.all('tool_call').length };
  const turn = session.turn('go');
  const told: number[] = [];
  for (let n = 0; n < CALLS - 1; n += 1) {
    const { call_id } = await session.nth('tool_call', before.asked + n);
    told.push((await session.nth('spent', before.spent + n)).since_result_usd);
    session.order({ command: 'tool_result', call_id, text: 'Go on.', is_error: false });
  }
  return { told, cost: costOf(await turn) };
}

/** Each call costs the same. */
function shares(cost: number): unknown[] {
  return Array.from({ length: CALLS - 1 }, (_, n): unknown => expect.closeTo((cost * (n + 1)) / CALLS, 8));
}

test('watched, what each call of the model’s cost is told within the turn, and agrees with the result; after a resume too', async () => {
  await using stage = await asking();
  const first = await stage.start({ config: { agent_tools: ['ask_user'] } });
  stage.session.order({ command: 'watch_spending', on: true });
  for (const turn of ['first', 'second']) {
    const { told, cost } = await watchedTurn(stage.session);
    expect(cost, turn).toBeGreaterThan(0);
    expect(told, turn).toEqual(shares(cost));
  }
  first.signal('SIGTERM');
  await first.exit;
  expect(stage.session.lines.filter(({ type }) => type === 'control_response')).toEqual([]);

  const session = await stage.freshSession();
  await stage.start({ resume: true, config: { agent_tools: ['ask_user'] } });
  session.order({ command: 'watch_spending', on: true });
  const { told, cost } = await watchedTurn(session);
  expect(told).toEqual(shares(cost));
  expect(session.lines.find(({ type }) => type === 'result')?.['total_cost_usd']).toBeCloseTo(3 * cost, 8);
});

test('what was spent before it was watched is told with it, and unwatched there is silence', async () => {
  await using stage = await asking();
  const { session } = stage;
  await stage.start({ config: { agent_tools: ['ask_user'] } });
  const turn = session.turn('go');
  const answer = async (n: number) => {
    const { call_id } = await session.nth('tool_call', n);
    session.order({ command: 'tool_result', call_id, text: 'Go on.', is_error: false });
  };
  await answer(0);
  // Its second call is over.
  await session.until(() => session.seen.filter((line) => line.includes('"type":"message_stop"')).length === 2);
  session.order({ command: 'watch_spending', on: true });
  const { since_result_usd } = await session.notice('spent');
  session.order({ command: 'watch_spending', on: false });
  await answer(1);
  await answer(2);
  expect(since_result_usd).toBeCloseTo(costOf(await turn) / 2, 8);
  expect(session.all('spent')).toHaveLength(1);
});

test('what a subagent spends after the turn that began it is told too', async () => {
  let calls = 0;
  await using stage = await Stage.open((_, all, tools) => {
    if (tools.length === 0) return [{ words: ['aside'] }];
    calls += 1;
    if (!all.includes('the whole work')) {
      const wait = 'until [ -e go ]; do sleep 0.05; done';
      return all.includes(wait) ? [{ words: ['did it'] }] : [{ tool: 'Bash', input: { command: wait } }];
    }
    const input = { description: 'part', prompt: 'a part of it', subagent_type: 'general-purpose' };
    return calls === 1 ? [{ tool: 'Task', input }] : [{ words: ['done'] }];
  });
  const { session } = stage;
  await stage.start();
  session.order({ command: 'watch_spending', on: true });
  const result = await session.turn('the whole work');
  const turnEnd = session.items.length;
  writeFileSync(stage.path('workspace/go'), '');
  const told = await session.until(() =>
    session.items.slice(turnEnd).find((item) => typeof item !== 'string' && item.notice === 'spent'),
  );
  expect(told).toEqual({ notice: 'spent', since_result_usd: expect.any(Number) });
  const next = await session.until(() => session.lines.filter(({ type }) => type === 'result')[1]);
  expect(next['total_cost_usd']).toBeCloseTo(costOf(result) + costOf(next), 8);
  const { since_result_usd } = session.all('spent').at(-1) ?? { since_result_usd: 0 };
  expect(since_result_usd).toBeGreaterThan(0);
  expect(since_result_usd).toBeLessThanOrEqual(costOf(next) + 1e-8);
});
