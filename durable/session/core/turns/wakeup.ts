import type { Refusal } from '../../../../protocol/api/problem.ts';
import type { WakeupView } from '../../../../protocol/api/session/message.ts';
import { MAX_WAKEUP_SECONDS, type ScheduleWakeupInput } from '../../../../protocol/link/wakeup-tools.ts';

/** A message that the agent has scheduled for itself. */
export interface Wakeup {
  readonly wakeup_id: string;
  /** When it is due, epoch milliseconds. */
  readonly at: number;
  readonly prompt: string;
}

/** Most wake-ups that may wait in one session. */
export const MAX_WAKEUPS = 50;
/** Shortest time ahead, milliseconds. */
const SOONEST_MS = 1000;
/** Longest prompt in the agent's own list, characters. */
const LISTED_PROMPT = 1000;

const iso = (time: number) => new Date(time).toISOString();

/**
 * When a wake-up that the agent asks for is due, epoch milliseconds; or why there is none.
 *
 * @param waiting number of wake-ups that wait already
 */
export function wakeupTime(
  { in_seconds, at }: Pick<ScheduleWakeupInput, 'in_seconds' | 'at'>,
  waiting: number,
  now: number,
): number | Refusal {
  if (waiting >= MAX_WAKEUPS) {
    const detail = `${MAX_WAKEUPS} wake-ups wait already. Cancel one with cancel_wakeup, or wait until one has come.`;
    return { refused: 'wakeups_limit_reached', detail };
  }
  if ((in_seconds === undefined) === (at === undefined))
    return { refused: 'invalid_request', detail: 'Give either in_seconds or at, and not both.' };
  const time = at === undefined ? now + (in_seconds ?? 0) * 1000 : Date.parse(at);
  if (time >= now + SOONEST_MS && time <= now + MAX_WAKEUP_SECONDS * 1000) return time;
  const from = iso(now + SOONEST_MS);
  const until = iso(now + MAX_WAKEUP_SECONDS * 1000);
  const detail = `It is ${iso(now)} now. Give a time between ${from} and ${until}: at least a second and at most 30 days ahead.`;
  return { refused: 'invalid_request', detail };
}

/** What the agent reads when its wake-up has come. */
export function wakeupMessage({ at, prompt }: Wakeup): string {
  return `This is the wake-up that you scheduled for ${iso(at)}:\n\n${prompt}`;
}

/** A wake-up as people see it. */
export function wakeupViewOf({ wakeup_id, at, prompt }: Wakeup): WakeupView {
  return { wakeup_id, at: iso(at), prompt };
}

/** A wake-up in the agent's own list, where all of them must fit. */
export function listedWakeup(wakeup: Wakeup): WakeupView {
  const { prompt } = wakeup;
  const cut =
    prompt.length <= LISTED_PROMPT ? prompt : `${prompt.slice(0, LISTED_PROMPT)} … (${prompt.length} characters)`;
  return { ...wakeupViewOf(wakeup), prompt: cut };
}
