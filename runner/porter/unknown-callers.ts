import type { DoorBounds } from './door-bounds.ts';

/** Counts the connections of whoever is not known yet: a stranger must not take up the runner's memory. */
export class UnknownCallers {
  readonly #ofAddress = new Map<string, number>();
  readonly #bounds: DoorBounds;
  #count = 0;

  constructor(bounds: DoorBounds) {
    this.#bounds = bounds;
  }

  /** @returns undefined: there are too many; else what is to be called once, when the caller is known or gone */
  admit(address: string): (() => void) | undefined {
    const ofAddress = this.#ofAddress.get(address) ?? 0;
    if (this.#count >= this.#bounds.callers || ofAddress >= this.#bounds.callersPerAddress) return undefined;
    this.#count += 1;
    this.#ofAddress.set(address, ofAddress + 1);
    let isCounted = true;
    return () => {
      if (!isCounted) return;
      isCounted = false;
      this.#count -= 1;
      const left = (this.#ofAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#ofAddress.delete(address);
      else this.#ofAddress.set(address, left);
    };
  }
}
