import type { Revocation } from './revocation.ts';

/** From the check of a token until its stream is open, milliseconds. */
const REMEMBERED_MS = 60_000;

/** What was revoked a short time ago: a stream that opens now may have been let in before. */
export class RecentRevocations {
  /** `at`: epoch milliseconds. */
  #recent: { readonly what: Revocation; readonly at: number }[] = [];

  add(what: Revocation): void {
    this.#recent.push({ what, at: Date.now() });
  }

  all(): Revocation[] {
    const since = Date.now() - REMEMBERED_MS;
    this.#recent = this.#recent.filter(({ at }) => at >= since);
    return this.#recent.map(({ what }) => what);
  }
}
