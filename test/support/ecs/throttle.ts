import type { Clock } from './clock.ts';

/** A bucket of calls: how many it holds, and how many a second come back. */
interface Rate {
  burst: number;
  perSecond: number;
}

/**
 * What AWS documents for an account in a region ("Request throttling for the Amazon ECS API", 2026-11), and for Fargate's launches
 * ("Fargate task launch rate").
 */
const BUCKETS: readonly (Rate & { operations: readonly string[] })[] = [
  { operations: ['RunTask', 'StopTask'], burst: 100, perSecond: 40 },
  { operations: ['RunTask'], burst: 100, perSecond: 20 },
  { operations: ['DescribeTasks', 'ListTasks'], burst: 100, perSecond: 20 },
  { operations: ['DescribeTaskDefinition'], burst: 50, perSecond: 20 },
];

/** Counts the calls of an account, as ECS does. */
export class Throttle {
  readonly #clock: Clock;
  readonly #levels = new Map(BUCKETS.map((bucket) => [bucket, { left: bucket.burst, at: 0 }]));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns false: it is one too many. It takes nothing then. */
  admits(operation: string): boolean {
    const now = this.#clock.now();
    const concerned = [...this.#levels].filter(([{ operations }]) => operations.includes(operation));
    for (const [{ burst, perSecond }, level] of concerned) {
      level.left = Math.min(burst, level.left + ((now - level.at) / 1000) * perSecond);
      level.at = now;
    }
    if (concerned.some(([, { left }]) => left < 1)) return false;
    for (const [, level] of concerned) level.left -= 1;
    return true;
  }
}
