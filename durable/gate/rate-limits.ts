import type { Permits } from '../rpc/gate-rpc.ts';
import { burstOf } from '../../protocol/settings/bounds-settings.ts';
import { filled, take, type Bucket } from './core/token-bucket.ts';

/** Buckets that are kept. Beyond that, those that were not used for the longest go, which refills them. */
const MAX_BUCKETS = 50_000;

/** Buckets of permits by key. In memory alone: a restart fills them. */
export class RateLimits {
  readonly #buckets = new Map<string, Bucket & { readonly perMinute: number }>();

  take(key: string, perMinute: number, permits: number, now: number): Permits {
    const { bucket, ...taken } = take(this.#buckets.get(key) ?? null, perMinute, permits, now);
    // The last in the map is the one that was used last.
    this.#buckets.delete(key);
    this.#buckets.set(key, { ...bucket, perMinute });
    this.#removeUnneeded(now);
    return taken;
  }

  /** From the front: what was not used for long. A full bucket is as good as none. */
  #removeUnneeded(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      const isFull = filled(bucket, bucket.perMinute, now) >= burstOf(bucket.perMinute);
      if (this.#buckets.size <= MAX_BUCKETS && !isFull) return;
      this.#buckets.delete(key);
    }
  }
}
