import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../until.ts';
import type { Width } from './widths.ts';

/** Presses as people do: a finger on a phone, a mouse at a desk. */
export const press = (width: Width, target: Locator): Promise<void> =>
  width === 'phone' ? target.tap() : target.click();

/** What waits in the inbox, or within a session's log, by what is asked. */
export const card = (page: Page, asked: string | RegExp): Locator => page.getByRole('article', { name: asked });

/** The session's log. */
export const log = (page: Page): Locator => page.getByRole('log');

/** A tool's line in the log. */
export const toolLine = (page: Page, name: string | RegExp): Locator => log(page).getByRole('button', { name });

/** Waits until something is said to those who see the page, and to those who hear it. */
export async function heard(page: Page, words: string | RegExp): Promise<void> {
  await page.getByRole('status').filter({ hasText: words }).first().waitFor();
}

/** How often a text is on the page, or in a part of it. */
export async function countOf(place: Locator, text: string): Promise<number> {
  return ((await place.textContent()) ?? '').split(text).length - 1;
}

/** From now on, how many there are of a text in the log, at each change: the page itself looks, for a busy test looks seldom. */
export async function countsOf(page: Page, text: string): Promise<() => Promise<number[]>> {
  const counts = await page.evaluateHandle<number[]>(`(() => {
    const counts = [];
    const look = () => counts.push((document.querySelector('[role="log"]')?.textContent ?? '').split(${JSON.stringify(text)}).length - 1);
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    look();
    return counts;
  })()`);
  return async () => await counts.jsonValue();
}

/** Presses Tab until the focus is on it. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < 60; presses += 1) {
    if ((await target.and(page.locator(':focus')).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`60 times Tab did not come to ${String(target)}`);
}

/** Waits until the page is at this path. */
export async function isAt(page: Page, path: string | RegExp): Promise<void> {
  await until(() => {
    const { pathname, search, hash } = new URL(page.url());
    if (typeof path === 'string') expect(pathname + search + hash).toBe(path);
    else expect(pathname + search + hash).toMatch(path);
  });
}
