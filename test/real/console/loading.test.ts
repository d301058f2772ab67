import type { Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { atMost } from '../../support/patience.ts';

/** As a browser drops them when its machine gets another network address, from each container that starts on it. */

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await ConsoleScene.start();
}, atMost(60));
afterAll(() => scene.stop());

/** Drops the first `drops` requests for each file. */
function dropping(drops: number) {
  const tries = new Map<string, number>();
  return async (route: Route) => {
    const url = route.request().url();
    const before = tries.get(url) ?? 0;
    tries.set(url, before + 1);
    await (before < drops ? route.abort('connectionreset') : route.continue());
  };
}

const FILES = /\/console\/.*\.(js|css)$/;

describe.skipIf(!hasChromium())('files of the page that the browser drops', () => {
  test.each([1, 2])('are loaded again, and the page comes as it is: %i times each', async (drops) => {
    const visit = await scene.visit({ path: '/sessions', before: (page) => page.route(FILES, dropping(drops)) });
    visit.allow(/ERR_CONNECTION_RESET/);
    const { page } = visit;
    await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
    // It has its style.
    expect(await page.evaluate("getComputedStyle(document.body).getPropertyValue('margin-top')")).toBe('0px');
  });

  test('again and again: the page says so, and loads anew when it is asked to', async () => {
    const visit = await scene.visit({ path: '/sessions', before: (page) => page.route(FILES, dropping(1000)) });
    visit.allow(/ERR_CONNECTION_RESET|could not be loaded/);
    const { page } = visit;
    expect(await page.getByRole('alert').textContent()).toContain('The console could not be loaded');
    await page.unroute(FILES);
    await page.getByRole('button', { name: 'Load the page again' }).click();
    await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
  });

  test('of one page alone: it says so there', async () => {
    const visit = await scene.visit({
      path: '/sessions',
      before: async (page) => {
        // It would have the file by the last try.
        await page.addInitScript('delete Navigator.prototype.serviceWorker');
        await page.route(/\/console\/sessions-page-.*\.js$/, dropping(1000));
      },
    });
    visit.allow(/ERR_CONNECTION_RESET/);
    const { page } = visit;
    expect(await page.getByRole('alert').textContent()).toContain('The sessions could not be loaded');
  });
});
