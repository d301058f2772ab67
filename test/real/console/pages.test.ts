import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { axe } from '../../support/console/axe.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { atMost } from '../../support/patience.ts';
import type { Width } from '../../support/console/widths.ts';

/** The console's pages in a real browser, with a real service and the real `claude` behind them. */

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await ConsoleScene.start();
}, atMost(60));
afterAll(() => scene.stop());

describe.skipIf(!hasChromium()).each<Width>(['phone', 'desk'])('on a %s', (width) => {
  test('the inbox, the sessions and the form for a new one have their places, and axe finds nothing', async () => {
    const { page } = await scene.visit({ width });
    const navigation = page.getByRole('navigation', { name: 'Console' });
    for (const name of ['Inbox', 'Sessions', 'New session']) {
      if (name !== 'Inbox')
        await navigation
          .getByRole('link', { name: /^(Sessions|New)/ })
          .nth(name === 'Sessions' ? 0 : 1)
          .click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      expect(await axe(page)).toEqual([]);
    }
  });
});
