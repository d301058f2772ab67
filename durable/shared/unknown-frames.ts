/** What a newer version says, and a broken or hostile one: of each connection so many are passed over in a minute. */
export const MAX_UNKNOWN_PER_MINUTE = 600;
const MINUTE_MS = 60_000;

/** Counts the frames and fields that came and were not known, per connection. */
export class UnknownFrames {
  readonly #lately = new Map<string, { readonly since: number; readonly count: number }>();

  /** @returns whether so many may come. @param from the connection @param now epoch milliseconds */
  allows(from: string, count: number, now: number): boolean {
    const before = this.#lately.get(from);
    const goesOn = before !== undefined && now - before.since < MINUTE_MS;
    const lately = goesOn ? { since: before.since, count: before.count + count } : { since: now, count };
    this.#lately.set(from, lately);
    return lately.count <= MAX_UNKNOWN_PER_MINUTE;
  }
}
