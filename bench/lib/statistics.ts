/** The quantile `share` (0 to 1) of the samples, by the nearest rank; NaN when there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle sample, or the mean of the two in the middle; NaN when there are none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/**
 * The median of the quotients of pairs: sample and baseline of the same round, measured one right after the other. Other work
 * of the machine slows down both halves of a pair, so it cancels out. Between two medians it would not.
 */
export function pairedRatio(samples: readonly number[], baseline: readonly number[]): number {
  return median(
    samples.flatMap((sample, index) => {
      const base = baseline[index];
      return base === undefined ? [] : [sample / base];
    }),
  );
}
