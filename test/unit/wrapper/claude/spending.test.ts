import { expect, test } from 'vitest';
import { Spending, spendingSign, type UsageRequest } from '../../../../wrapper/claude/spending.ts';

function spending(resumed = false) {
  const asked: UsageRequest[] = [];
  const told: number[] = [];
  const it = new Spending(
    resumed,
    (request) => asked.push(request),
    ({ since_result_usd }) => told.push(since_result_usd),
  );
  return {
    asked,
    told,
    watch: (on: boolean) => it.watch(on),
    callEnded: () => it.heard({ is: 'call_ended' }),
    result: (totalUsd: number) => it.heard({ is: 'result', totalUsd }),
    answered: (totalUsd: number | null) => it.answered(totalUsd),
  };
}

test('each change is told once, and a new turn begins at zero', () => {
  const { told, watch, callEnded, answered, result } = spending();
  watch(true);
  answered(0);
  callEnded();
  answered(0.1);
  callEnded();
  answered(0.1);
  callEnded();
  answered(0.3);
  result(0.3);
  callEnded();
  answered(0.3);
  callEnded();
  answered(0.6);
  expect(told).toEqual([0.1, 0.3, 0.3]);
});

test('unwatched, nothing is asked and nothing told; what a turn cost is remembered nevertheless', () => {
  const { asked, told, watch, callEnded, answered, result } = spending(true);
  callEnded();
  result(2);
  callEnded();
  expect(asked).toEqual([]);
  watch(true);
  answered(2.25);
  watch(false);
  callEnded();
  expect([asked.length, told]).toEqual([1, [0.25]]);
});

test('an answer that comes when nobody watches any more is not told', () => {
  const { told, watch, answered } = spending();
  watch(true);
  watch(false);
  answered(1);
  expect(told).toEqual([]);
});

test('watched in the midst of a turn, what that has cost so far is told at once', () => {
  const { told, watch, callEnded, answered } = spending();
  callEnded();
  watch(true);
  answered(0.5);
  expect(told).toEqual([0.5]);
});

test('what a resumed conversation cost before is not told again, and is known before a prompt is read', () => {
  const { asked, told, watch, callEnded, answered } = spending(true);
  watch(true);
  answered(5);
  callEnded();
  answered(5.5);
  expect(told).toEqual([0.5]);
  expect(asked.map(({ detached }) => detached)).toEqual([undefined, true]);
});

test('one question is asked at a time, and once more for all that ended meanwhile', () => {
  const { asked, told, watch, callEnded, answered } = spending();
  watch(true);
  for (let n = 0; n < 5; n += 1) callEnded();
  expect(asked).toHaveLength(1);
  answered(0);
  expect(asked).toHaveLength(2);
  answered(0.2);
  expect([asked.length, told]).toEqual([2, [0.2]]);
});

test('an answer that the result has overtaken tells nothing', () => {
  const { told, watch, callEnded, answered, result } = spending();
  watch(true);
  answered(0);
  callEnded();
  result(0.4);
  answered(0.4);
  expect(told).toEqual([]);
});

test('a conversation that is cleared counts from zero', () => {
  const { told, watch, callEnded, answered, result } = spending();
  watch(true);
  answered(0);
  result(1);
  callEnded();
  answered(0);
  result(0);
  callEnded();
  answered(0.2);
  expect(told).toEqual([0.2]);
});

test('one who cannot say is asked again at the next call', () => {
  const { asked, told, watch, callEnded, answered } = spending();
  watch(true);
  answered(null);
  callEnded();
  answered(0.1);
  expect([asked.length, told]).toEqual([2, [0.1]]);
});

test('sums of prices are told without the dust of floating point', () => {
  const { told, watch, answered, result } = spending();
  watch(true);
  result(0.0637248);
  answered(0.12744960000000002);
  expect(told).toEqual([0.0637248]);
});

test.each([
  [{ type: 'stream_event', event: { type: 'message_stop' }, parent_tool_use_id: null }, { is: 'call_ended' }],
  [{ type: 'stream_event', event: { type: 'message_delta' } }, null],
  [{ type: 'stream_event', event: null }, null],
  [{ type: 'user', message: { content: [{ type: 'tool_result' }] } }, { is: 'call_ended' }],
  [{ type: 'system', subtype: 'task_notification', status: 'completed' }, { is: 'call_ended' }],
  [{ type: 'system', subtype: 'init' }, null],
  [{ type: 'assistant', message: { content: [{ input: { type: 'result', total_cost_usd: 9 } }] } }, null],
  [
    { type: 'result', subtype: 'success', total_cost_usd: 1.5 },
    { is: 'result', totalUsd: 1.5 },
  ],
  [{ type: 'result' }, null],
  [{ type: 'something_new', total_cost_usd: 9 }, null],
])('%j', (line, sign) => {
  expect(spendingSign(line)).toEqual(sign);
});
