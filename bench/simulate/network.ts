import type { Clock } from './clock.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';

/** After how long a call counts as failed whose answer does not come. */
const TIMEOUT_MS = 1000;

/** Calls between objects. Each takes its time, and now and then the call or its answer is lost. */
export class Network {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #scenario: Scenario;
  calls = 0;
  losses = 0;

  constructor(clock: Clock, random: Random, scenario: Scenario) {
    this.#clock = clock;
    this.#random = random;
    this.#scenario = scenario;
  }

  /** How long it takes from one machine to another. */
  delay(): number {
    const { least, most } = this.#scenario.delay;
    return this.#random.between(least, most);
  }

  /** @param failed the call or its answer was lost: it may have been carried out */
  call<T>(run: () => T, answered: (answer: T) => void, failed: () => void): void {
    this.calls += 1;
    if (this.#random.is(this.#scenario.lost)) return this.#lose(failed);
    this.#clock.after(this.delay(), () => {
      const answer = run();
      if (this.#random.is(this.#scenario.lost)) return this.#lose(failed);
      this.#clock.after(this.delay(), () => answered(answer));
    });
  }

  /** A call that is made again until it succeeds. */
  insist<T>(run: () => T, answered: (answer: T) => void): void {
    this.call(run, answered, () => this.insist(run, answered));
  }

  #lose(failed: () => void): void {
    this.losses += 1;
    this.#clock.after(TIMEOUT_MS, failed);
  }
}
