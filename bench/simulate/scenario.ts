/** What a day is made of. All times are milliseconds. */
export interface Scenario {
  readonly seed: number;
  /** False: who has asked first is next, whoever owns it. To compare. */
  readonly fair: boolean;
  readonly sessions: number;
  readonly runners: number;
  /** Of each runner. */
  readonly places: number;
  readonly memoryMb: number;
  readonly cpus: number;
  readonly owners: number;
  /** Sessions of one owner that come within a minute, at the busiest hour. They are among `sessions`. */
  readonly flood: number;
  /** How long sessions arrive. */
  readonly day: number;
  /** Messages of one session, on average; how long a turn takes (median), and how long people think between two (mean). */
  readonly messages: number;
  readonly turn: number;
  readonly think: number;
  readonly idle: number;
  readonly start: { readonly least: number; readonly most: number };
  /** Of a call between objects, or a frame: how long it takes, and how often it, or its answer, is lost. */
  readonly delay: { readonly least: number; readonly most: number };
  readonly lost: number;
  /** Runners that lose their connection all the time: how many, how often (mean), for how long (mean). */
  readonly flapping: { readonly runners: number; readonly every: number; readonly away: number };
  /** Machines that end with all that runs there: how many in a day, and until they are back (mean). */
  readonly deaths: { readonly machines: number; readonly away: number };
  readonly lostAfter: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const DAY: Scenario = {
  seed: 1,
  fair: true,
  sessions: 100_000,
  runners: 500,
  places: 6,
  memoryMb: 24_576,
  cpus: 24,
  owners: 2000,
  flood: 3000,
  day: 24 * HOUR,
  messages: 2.5,
  turn: 90_000,
  think: 8 * MINUTE,
  idle: 5 * MINUTE,
  start: { least: 700, most: 4000 },
  delay: { least: 2, most: 80 },
  lost: 0.005,
  flapping: { runners: 10, every: 4 * MINUTE, away: 15_000 },
  deaths: { machines: 40, away: 20 * MINUTE },
  lostAfter: MINUTE,
};

/** How many arrive at a time of the day, against the average: few at night, most at two in the afternoon. */
export const rushAt = (part: number): number => 1 - 0.9 * Math.cos(2 * Math.PI * (part - 2 / 24));
