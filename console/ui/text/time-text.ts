const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long something took, in one or two units: `340 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
 *
 * @param ms milliseconds; less than 0 counts as 0
 */
export function durationText(ms: number): string {
  const time = Math.max(0, ms);
  if (time < SECOND) return `${Math.round(time)} ms`;
  if (time < 10 * SECOND) return `${(Math.floor(time / 100) / 10).toFixed(1)} s`;
  if (time < MINUTE) return `${Math.floor(time / SECOND)} s`;
  if (time < HOUR) return twoUnits(time, MINUTE, 'min', SECOND, 's');
  if (time < DAY) return twoUnits(time, HOUR, 'h', MINUTE, 'min');
  return twoUnits(time, DAY, 'd', HOUR, 'h');
}

function twoUnits(time: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((time % large) / small);
  const whole = `${Math.floor(time / large)} ${largeName}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallName}`;
}

/**
 * How long ago an instant is, short: `now`, `40 s ago`, `5 min ago`, `3 h ago`, `2 d ago`; of more than 30 days the date.
 * A clock that is a little ahead of the service's makes no time in the future.
 */
export function agoText(at: number, now: number): string {
  const ago = now - at;
  if (ago < 10 * SECOND) return 'now';
  if (ago < MINUTE) return `${Math.floor(ago / (10 * SECOND)) * 10} s ago`;
  if (ago < HOUR) return `${Math.floor(ago / MINUTE)} min ago`;
  if (ago < DAY) return `${Math.floor(ago / HOUR)} h ago`;
  if (ago < 30 * DAY) return `${Math.floor(ago / DAY)} d ago`;
  return new Date(at).toISOString().slice(0, 10);
}

/** How near a deadline is: `soon` within five minutes, `near` within one, `over` when it has passed. */
export type Urgency = 'calm' | 'soon' | 'near' | 'over';

/**
 * What is left until a deadline, in words, and how near it is: `2 h 10 min left`, `4 min left`, `42 s left`, `time is up`.
 * Seconds are counted in the last minute alone, so that a list does not flicker.
 */
export function deadlineText(deadline: number, now: number): { readonly text: string; readonly urgency: Urgency } {
  const left = deadline - now;
  if (left <= 0) return { text: 'time is up', urgency: 'over' };
  if (left < MINUTE) return { text: `${Math.ceil(left / SECOND)} s left`, urgency: 'near' };
  const urgency = left < 5 * MINUTE ? 'soon' : 'calm';
  if (left < HOUR) return { text: `${Math.floor(left / MINUTE)} min left`, urgency };
  if (left < DAY) return { text: `${twoUnits(left, HOUR, 'h', MINUTE, 'min')} left`, urgency };
  return { text: `${twoUnits(left, DAY, 'd', HOUR, 'h')} left`, urgency };
}
