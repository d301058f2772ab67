import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../../until.ts';
import { cpuTimeOf } from './cpu-time.ts';
import { scan } from './scan.ts';

/** The numbers of the marks that are in sight, and where the reader is. */
const LOOK = `(() => {
  const log = document.querySelector('[role="log"]');
  const marks = [...log.innerText.matchAll(/payload (\\d+)\\./g)].map(([, number]) => Number(number));
  return { marks, top: Math.round(log.scrollTop) };
})()`;
const DRAWN =
  'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 30))))';
const UP = `(() => { const log = document.querySelector('[role="log"]'); log.scrollTop -= log.clientHeight * 0.9; return ${DRAWN}; })()`;

/** Opens all that is folded in what is drawn. */
const OPEN = `(() => {
  const folded = [...document.querySelectorAll('main [aria-expanded="false"]:not([aria-haspopup])')].slice(0, 40);
  for (const button of folded) button.click();
  return ${DRAWN};
})()`;

/** Clicks whatever is folded, once. No click may take a second of the page's time. */
export async function openAll(page: Page): Promise<void> {
  expect(await cpuTimeOf(page, () => page.evaluate(OPEN))).toBeLessThan(3000);
}

/** Reads a session's log from its end to its beginning, opens what is folded, and looks at all of it. @param seen gets the marks */
export async function readLog(page: Page, seen: Set<number>): Promise<void> {
  await page.locator('[role="log"][aria-busy="false"]').waitFor();
  await page.evaluate(DRAWN);
  for (let still = 0; still < 3;) {
    const { marks, top } = await page.evaluate<{ marks: number[]; top: number }>(LOOK);
    for (const mark of marks) seen.add(mark);
    await openAll(page);
    expect(await scan(page)).toEqual([]);
    await page.evaluate(UP);
    // At the top it waits for what comes before.
    still = top === 0 ? still + 1 : 0;
  }
}

/** Opens a page of the console and waits until it is there, with what it loads. */
export async function openPage(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await until(async () =>
    expect(await page.evaluate("/^Loading/m.test(document.querySelector('main').innerText)")).toBe(false),
  );
  await page.evaluate(DRAWN);
}
