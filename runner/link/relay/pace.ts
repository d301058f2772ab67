/** Frames a second that a wrapper may send, and how many at once. A rush of `claude` has some hundreds, for lines share frames. */
const FRAMES_PER_SECOND = 2_000;
const FRAMES_AT_ONCE = 4_000;
/** As much of a frame costs as much as another frame, characters. */
const FRAME_UNIT = 16 * 1024;

/** Characters of previews a second that are passed on, and how many at once. */
const PREVIEWS_PER_SECOND = 2 * 1024 * 1024;
const PREVIEWS_AT_ONCE = 4 * PREVIEWS_PER_SECOND;

/** What may come, and fills up again. Below 0: more has come than may. */
export class Allowance {
  readonly #perSecond: number;
  readonly #atOnce: number;
  #left: number;
  #at: number;

  constructor(perSecond: number, atOnce: number, now: number) {
    this.#perSecond = perSecond;
    this.#atOnce = atOnce;
    this.#left = atOnce;
    this.#at = now;
  }

  /** What may still come. */
  left(now: number): number {
    this.#left = Math.min(this.#atOnce, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    return this.#left;
  }

  take(amount: number, now: number): void {
    this.#left = this.left(now) - amount;
  }

  /** Until what has come is no longer too much, milliseconds. */
  wait(now: number): number {
    return Math.max(0, (-this.left(now) / this.#perSecond) * 1000);
  }
}

/**
 * How fast one container may use the runner, which all sessions share. The session's own limits hold for what is stored; this
 * is for what costs the runner and is never stored: previews, and frames that say nothing new. Times are milliseconds of a
 * clock that never goes back. No I/O.
 */
export class Pace {
  readonly #frames: Allowance;
  readonly #previews: Allowance;

  constructor(now: number) {
    this.#frames = new Allowance(FRAMES_PER_SECOND, FRAMES_AT_ONCE, now);
    this.#previews = new Allowance(PREVIEWS_PER_SECOND, PREVIEWS_AT_ONCE, now);
  }

  /** A frame has come. @param length characters */
  frame(length: number, now: number): void {
    this.#frames.take(1 + length / FRAME_UNIT, now);
  }

  /** How long nothing is to be read, milliseconds. */
  wait(now: number): number {
    return this.#frames.wait(now);
  }

  /** Whether a preview is passed on. It is of use now or never, so it is dropped rather than kept. */
  preview(length: number, now: number): boolean {
    if (this.#previews.left(now) <= 0) return false;
    this.#previews.take(length, now);
    return true;
  }
}
