import * as z from 'zod';
import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';

/** The part of Claude Code's answer to `get_usage` that is read: what the conversation has cost since it began, USD. */
export const usageAnswer = z.object({
  response: z.object({ response: z.object({ session: z.object({ total_cost_usd: z.number() }) }) }),
});

const result = z.object({ total_cost_usd: z.number() });

/** What a line tells of what is spent. */
export type SpendingSign =
  /** A turn is over; until then the conversation has cost this, USD, what came before a resume or a fork included. */
  | { is: 'result'; totalUsd: number }
  /** A call of the model's has ended. */
  | { is: 'call_ended' };

/**
 * Of the main conversation's calls the partial messages tell. Subagents have none: the next result of a tool of theirs does, and
 * their end.
 */
export function spendingSign(value: Readonly<Record<string, unknown>>): SpendingSign | null {
  const { type, event, subtype } = value;
  if (type === 'stream_event') {
    const ended = typeof event === 'object' && event !== null && 'type' in event && event.type === 'message_stop';
    return ended ? { is: 'call_ended' } : null;
  }
  if (type === 'user' || (type === 'system' && subtype === 'task_notification')) return { is: 'call_ended' };
  // A parse that fails costs a microsecond, and this is each line's way.
  if (type !== 'result') return null;
  const told = result.safeParse(value);
  return told.success ? { is: 'result', totalUsd: told.data.total_cost_usd } : null;
}

/** For the control request `get_usage`. Without `skip_behaviors` it reads the transcripts of a week. */
export interface UsageRequest {
  subtype: 'get_usage';
  skip_behaviors: true;
  /** What is written after it does not wait for its answer. */
  detached?: true;
}

/**
 * What `claude` has spent since its last `result`, told whenever that has changed. Only `claude` knows prices, so it is asked
 * after each call of the model's: one question at a time, for its answer holds for all that came before.
 */
export class Spending {
  readonly #ask: (request: UsageRequest) => void;
  readonly #tell: (notice: Extract<WrapperNotice, { notice: 'spent' }>) => void;
  /** What the conversation had cost when its last turn was over; null: not known yet, for it began elsewhere. */
  #before: number | null;
  #told = 0;
  #watching = false;
  #asked = false;
  #askAgain = false;

  /** @param resumed the conversation began with another process, and what it has cost is carried on */
  constructor(
    resumed: boolean,
    ask: (request: UsageRequest) => void,
    tell: (notice: Extract<WrapperNotice, { notice: 'spent' }>) => void,
  ) {
    this.#before = resumed ? null : 0;
    this.#ask = ask;
    this.#tell = tell;
  }

  watch(on: boolean): void {
    this.#watching = on;
    this.#question();
  }

  heard(sign: SpendingSign): void {
    if (sign.is === 'call_ended') return this.#question();
    this.#before = sign.totalUsd;
    this.#told = 0;
  }

  /** @param totalUsd null: it could not say */
  answered(totalUsd: number | null): void {
    this.#asked = false;
    if (totalUsd !== null) this.#count(totalUsd);
    if (this.#askAgain) this.#question();
  }

  #count(totalUsd: number): void {
    this.#before ??= totalUsd;
    // `/clear` counts from zero, before its own result says so. Sums of prices are not exact.
    const spent = Number(Math.max(0, totalUsd - this.#before).toFixed(9));
    if (!this.#watching || spent === this.#told) return;
    this.#told = spent;
    this.#tell({ notice: 'spent', since_result_usd: spent });
  }

  #question(): void {
    this.#askAgain = this.#watching && this.#asked;
    if (!this.#watching || this.#asked) return;
    this.#asked = true;
    // A prompt that comes next has to wait until it is known what was spent before.
    const first = this.#before === null;
    this.#ask({ subtype: 'get_usage', skip_behaviors: true, ...(!first && { detached: true }) });
  }
}
