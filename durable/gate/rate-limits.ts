import { burstOf } from '../../protocol/settings/bounds-settings.ts';
import type { Permits } from '../rpc/gate-rpc.ts';
import { filled, type Bucket, type Rate } from '../shared/token-bucket.ts';

/** Buckets that are kept. Beyond that, those that were not used for the longest go, which refills them. */
const MAX_BUCKETS = 50_000;

/** Buckets of permits by key. In memory alone: a restart fills them. */
export class RateLimits {
  /** The last in the map is the one that was used last. */
  readonly #buckets = new Map<string, { readonly bucket: Bucket; readonly rate: Rate }>();

  /** Takes up to `wanted` permits. */
  take(key: string, perMinute: number, wanted: number, now: number): Permits {
    const rate = { perSecond: perMinute / 60, burst: burstOf(perMinute) };
    const { tokens } = filled(this.#buckets.get(key)?.bucket ?? null, rate, now);
    const granted = Math.min(wanted, Math.floor(tokens));
    const left = tokens - granted;
    const remaining = Math.floor(left);
    this.#buckets.delete(key);
    this.#buckets.set(key, { bucket: { tokens: left, at: now }, rate });
    this.#removeUnneeded(now);
    return { granted, remaining, resetMs: Math.ceil(((remaining + 1 - left) * 1000) / rate.perSecond) };
  }

  /** From the front: what was not used for long. A full bucket is as good as none. */
  #removeUnneeded(now: number): void {
    for (const [key, { bucket, rate }] of this.#buckets) {
      const isFull = filled(bucket, rate, now).tokens >= rate.burst;
      if (this.#buckets.size <= MAX_BUCKETS && !isFull) return;
      this.#buckets.delete(key);
    }
  }
}
