import type { Page } from 'playwright-core';

/**
 * The CPU time that a page's main thread takes for something, in milliseconds. A machine that has other work too makes it hardly longer,
 * which it does to all that is measured by a clock.
 */
export async function cpuTimeOf(page: Page, work: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taken = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000;
  };
  const before = await taken();
  await work();
  const after = await taken();
  await session.detach();
  return after - before;
}
