import type { Alike, Ask } from './room.ts';

/** How many sessions each has, a runner or an owner, by what they ask. Kept as they come and go: to count thousands at each step takes long. */
export class Tally {
  readonly #counts = new Map<string, Map<string, Alike>>();

  add(whose: string, ask: Ask): void {
    this.#change(whose, ask, 1);
  }

  remove(whose: string, ask: Ask): void {
    this.#change(whose, ask, -1);
  }

  of(whose: string): readonly Alike[] {
    return [...(this.#counts.get(whose)?.values() ?? [])];
  }

  everyone(): string[] {
    return [...this.#counts.keys()];
  }

  count(whose: string): number {
    return this.of(whose).reduce((all, { count }) => all + count, 0);
  }

  #change(whose: string, ask: Ask, by: number): void {
    const counts = this.#counts.get(whose) ?? new Map<string, Alike>();
    const key = `${ask.cpus} ${ask.memoryMb}`;
    const count = (counts.get(key)?.count ?? 0) + by;
    if (count > 0) counts.set(key, { ask, count });
    else counts.delete(key);
    if (counts.size > 0) this.#counts.set(whose, counts);
    else this.#counts.delete(whose);
  }
}
