import type { ClaudeEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf, numberOf, type Fields } from '../fields.ts';
import type { TurnFigures, TurnItem } from '../item.ts';
import { stopTools } from './tasks.ts';

/** A turn has ended. The event of CC-Docker's that follows says whose it was, and how. */
export function takeResult(draft: Draft, { seq, time, data }: ClaudeEvent): void {
  const status = data['is_error'] === true ? 'failed' : 'completed';
  endTurn(draft, { key: `e${seq}`, seq, time, status, figures: figuresOf(data) });
}

/** Puts a turn's end into the log. */
export function endTurn(draft: Draft, end: Pick<TurnItem, 'key' | 'seq' | 'time' | 'status' | 'figures'>): void {
  stopTools(draft, false);
  if (draft.previews.length > 0) draft.previews = [];
  draft.append({ kind: 'turn', ...end, ids: [], error: null, tools: draft.calls });
  draft.calls = new Map();
  draft.endedTurn = end.key;
}

/** The turn's own: `total_cost_usd` and `modelUsage` are the conversation's. */
function figuresOf(data: Fields): TurnFigures {
  const models = Object.values(fieldsOf(data['model_usage_since_last_result'])).map(fieldsOf);
  const sum = (name: string) => models.reduce((total, model) => total + (numberOf(model[name]) ?? 0), 0);
  return {
    ms: numberOf(data['duration_ms']),
    costUsd: sum('costUSD'),
    inputTokens: sum('inputTokens') + sum('cacheCreationInputTokens'),
    outputTokens: sum('outputTokens'),
    cachedTokens: sum('cacheReadInputTokens'),
  };
}
