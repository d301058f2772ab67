import type { Turn } from '../../../client/main.ts';

/** What turns have taken together. */
export interface Sums {
  readonly turns: number;
  readonly ms: number;
  readonly costUsd: number;
  /** Read by the model, those from its cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly failed: number;
}

/** Tokens that the model has read in a turn, those from its cache included. */
export const inputTokens = ({ usage }: Turn): number =>
  usage === undefined ? 0 : usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens;

export function sumsOf(turns: readonly Turn[]): Sums {
  const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  return {
    turns: turns.length,
    ms: sum(({ duration_ms }) => duration_ms ?? 0),
    costUsd: sum(({ total_cost_usd }) => total_cost_usd ?? 0),
    inputTokens: sum(inputTokens),
    outputTokens: sum(({ usage }) => usage?.output_tokens ?? 0),
    failed: turns.filter(({ status }) => status === 'failed').length,
  };
}

/** A number of tokens as people read it: `812`, `31.4k`, `1.2M`. */
export function tokensText(tokens: number): string {
  if (tokens < 1000) return `${tokens}`;
  if (tokens < 999_950) return `${(tokens / 1000).toFixed(1)}k`;
  return `${(tokens / 1_000_000).toFixed(1)}M`;
}
