import * as z from 'zod';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { once } from '../lib/once.ts';

/** The part of Claude Code's answer to `get_usage` that is read: the conversation's cost since it began, USD. */
export const usageAnswer = once(() =>
  z.object({
    response: z.object({ response: z.object({ session: z.object({ total_cost_usd: z.number() }) }) }),
  }),
);

/** What a line says about the cost. */
export type SpendingSign =
  /** A turn is over. `totalUsd`: the conversation's cost so far, USD, with what came before a resume or a fork. */
  | { is: 'result'; totalUsd: number }
  /** A model call has ended. */
  | { is: 'call_ended' };

/**
 * Partial messages show the end of the main conversation's model calls. Subagents have no partial messages: there the next
 * tool result shows it, and the subagent's end.
 */
export function spendingSign(value: Readonly<Record<string, unknown>>): SpendingSign | null {
  const { type, event, subtype } = value;
  if (type === 'stream_event') {
    const ended = typeof event === 'object' && event !== null && 'type' in event && event.type === 'message_stop';
    return ended ? { is: 'call_ended' } : null;
  }
  if (type === 'user' || (type === 'system' && subtype === 'task_notification')) return { is: 'call_ended' };
  const { total_cost_usd: totalUsd } = value;
  return type === 'result' && Number.isFinite(totalUsd) && typeof totalUsd === 'number'
    ? { is: 'result', totalUsd }
    : null;
}

/** The control request `get_usage`. Without `skip_behaviors`, Claude Code reads the transcripts of a week for it. */
export interface UsageRequest {
  subtype: 'get_usage';
  skip_behaviors: true;
  /** Later messages on standard input do not wait for the answer. */
  detached?: true;
}

/**
 * Reports what `claude` has spent since its last `result`, whenever that changes. Only `claude` knows prices, so the wrapper
 * asks it after each model call. One request at a time is enough: its answer covers all calls before it.
 */
export class Spending {
  readonly #request: (request: UsageRequest) => void;
  readonly #notify: (notice: Extract<WrapperNotice, { notice: 'spent' }>) => void;
  /** The conversation's cost at the end of its last turn; null: not known yet, because it began in another process. */
  #before: number | null;
  #reported = 0;
  #watching = false;
  #requested = false;
  #requestAgain = false;

  /** @param resumed the conversation began in another process, and its cost counts on from there */
  constructor(
    resumed: boolean,
    request: (request: UsageRequest) => void,
    notify: (notice: Extract<WrapperNotice, { notice: 'spent' }>) => void,
  ) {
    this.#before = resumed ? null : 0;
    this.#request = request;
    this.#notify = notify;
  }

  /** Reports from now on, or no longer. */
  watch(on: boolean): void {
    this.#watching = on;
    this.#requestUsage();
  }

  /** A line said something about the cost. */
  heard(sign: SpendingSign): void {
    if (sign.is === 'call_ended') return this.#requestUsage();
    this.#before = sign.totalUsd;
    this.#reported = 0;
  }

  /** The answer to a request. @param totalUsd null: not known */
  answered(totalUsd: number | null): void {
    this.#requested = false;
    if (totalUsd !== null) this.#report(totalUsd);
    if (this.#requestAgain) this.#requestUsage();
  }

  #report(totalUsd: number): void {
    this.#before ??= totalUsd;
    // `max`: after `/clear` the cost counts from zero, before a result says so. `toFixed`: sums of prices are not
    // exact.
    const spent = Number(Math.max(0, totalUsd - this.#before).toFixed(9));
    if (!this.#watching || spent === this.#reported) return;
    this.#reported = spent;
    this.#notify({ notice: 'spent', since_result_usd: spent });
  }

  #requestUsage(): void {
    this.#requestAgain = this.#watching && this.#requested;
    if (!this.#watching || this.#requested) return;
    this.#requested = true;
    // Not detached the first time: the next prompt has to wait until the cost before it is known.
    const first = this.#before === null;
    this.#request({ subtype: 'get_usage', skip_behaviors: true, ...(!first && { detached: true }) });
  }
}
