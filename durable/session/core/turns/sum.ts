import type { TurnResult } from '../../../../protocol/api/session/message.ts';

/**
 * A message's result after one more turn: what was said last, and the sums of the figures.
 *
 * @param answers false: what was said before stays the answer
 */
export function addTurn(before: TurnResult | null, turn: TurnResult, answers: boolean): TurnResult {
  if (before === null) return turn;
  const said = answers ? turn : before;
  return {
    type: 'result',
    subtype: said.subtype,
    result: said.result,
    duration_ms: before.duration_ms + turn.duration_ms,
    total_cost_usd: before.total_cost_usd + turn.total_cost_usd,
    usage: {
      input_tokens: before.usage.input_tokens + turn.usage.input_tokens,
      output_tokens: before.usage.output_tokens + turn.usage.output_tokens,
      cache_creation_input_tokens: before.usage.cache_creation_input_tokens + turn.usage.cache_creation_input_tokens,
      cache_read_input_tokens: before.usage.cache_read_input_tokens + turn.usage.cache_read_input_tokens,
    },
  };
}
