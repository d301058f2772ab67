/** The result of `work` if it comes within `ms` milliseconds, or else `late`. The work goes on in either case. */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T | 'late'> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
