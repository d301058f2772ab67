/** The value that the share `share` (0 to 1) of the samples does not exceed, by the nearest rank; NaN of none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle sample, or the mean of the two in the middle; NaN of none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/**
 * How many times its baseline something took: the median of the quotients of each pair, one after the other in the same
 * round. What the machine did meanwhile befell both halves of a pair, so it cancels out as it would not between medians.
 */
export function pairedRatio(samples: readonly number[], baseline: readonly number[]): number {
  return median(
    samples.flatMap((sample, index) => {
      const base = baseline[index];
      return base === undefined ? [] : [sample / base];
    }),
  );
}
