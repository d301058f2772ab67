import { Random } from '../simulate/random.ts';
import { rushAt } from '../simulate/scenario.ts';

/** A day on one host, pressed into minutes. Times are real seconds of the run. */
export interface HostDay {
  readonly seed: number;
  /** How long sessions arrive. */
  readonly seconds: number;
  /** Sessions that arrive. Each is parked when it is idle, and stays. */
  readonly sessions: number;
  readonly owners: number;
  /** Messages of one visit of its person; how long people think between two. Means. */
  readonly messages: number;
  readonly think: number;
  /** The length of a turn, median; and previews in a second of it. */
  readonly turn: number;
  readonly previews: number;
  /** Of the sessions, how many are visited again, and after how long (mean). Each visit may be followed by another. */
  readonly again: number;
  readonly away: number;
  /** Of the visits, how many are watched over a WebSocket. */
  readonly watched: number;
}

/** A message: how long its turn is, and how long its person thinks after it. */
export interface PlannedMessage {
  readonly words: number;
  /** Between two words, milliseconds. */
  readonly every: number;
  readonly tools: number;
  /** Seconds. */
  readonly think: number;
}

interface Visit {
  /** Seconds after the start. Later, when the visit before it has not ended. */
  readonly at: number;
  readonly messages: readonly PlannedMessage[];
  readonly isWatched: boolean;
}

export interface PlannedSession {
  readonly owner: string;
  readonly visits: readonly Visit[];
}

/** Longest turn, in medians: one that takes longer than the run would show nothing. */
const LONGEST_TURN = 8;

/** The sessions of a day, the first to come first. The same seed is the same day. */
export function planDay(day: HostDay): PlannedSession[] {
  const random = new Random(day.seed);
  return arrivals(day, random).map((first) => {
    const visits: Visit[] = [];
    for (let at = first; at < day.seconds;) {
      visits.push({ at, messages: planMessages(day, random), isWatched: random.is(day.watched) });
      if (!random.is(day.again)) break;
      at += random.exponential(day.away);
    }
    return { owner: `owner-${Math.floor(random.next() * day.owners)}`, visits };
  });
}

/** Few come at night, most at two in the afternoon. */
function arrivals({ sessions, seconds }: HostDay, random: Random): number[] {
  const times: number[] = [];
  while (times.length < sessions) {
    const part = random.next();
    if (random.next() * rushAt(14 / 24) < rushAt(part)) times.push(part * seconds);
  }
  return times.toSorted((a, b) => a - b);
}

function planMessages(day: HostDay, random: Random): PlannedMessage[] {
  const count = 1 + Math.floor(random.exponential(day.messages - 1 / 2));
  return Array.from({ length: count }, () => {
    const seconds = Math.min(random.lognormal(day.turn, 1), LONGEST_TURN * day.turn);
    const words = Math.max(1, Math.round(seconds * day.previews));
    return {
      words,
      every: Math.max(1, Math.round((seconds * 1000) / words)),
      tools: Math.floor(random.exponential(2)),
      think: random.exponential(day.think),
    };
  });
}

/** A soak: so many sessions that talk all the time, and are away now and then for long enough to be parked. */
export interface Soak {
  readonly seed: number;
  readonly seconds: number;
  readonly sessions: number;
  readonly owners: number;
  /** Between two messages of a session, seconds (mean). */
  readonly think: number;
  /** A session is away after so many messages. */
  readonly messages: number;
  readonly away: number;
}

/** The sessions of a soak: all come within the first tenth. */
export function planSoak({ seed, seconds, sessions, owners, think, messages, away }: Soak): PlannedSession[] {
  const random = new Random(seed);
  return Array.from({ length: sessions }, (_, n) => {
    const visits: Visit[] = [];
    for (let at = random.next() * 0.1 * seconds; at < seconds; at += messages * think + away) {
      const said = Array.from({ length: messages }, () => ({
        words: 10,
        every: 50,
        tools: 2,
        think: random.exponential(think),
      }));
      visits.push({ at, messages: said, isWatched: n % 2 === 0 });
    }
    return { owner: `owner-${n % owners}`, visits };
  });
}
