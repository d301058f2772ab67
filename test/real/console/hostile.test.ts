import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markOf, piecesOf } from '../../../console/safe/text/visible.ts';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { type Canary, startCanary } from '../../support/console/hostile/canary.ts';
import { openComponents } from '../../support/console/hostile/components-page.ts';
import { cpuTimeOf } from '../../support/console/hostile/cpu-time.ts';
import { MARKDOWN } from '../../support/console/hostile/markdown.ts';
import { MARKUP } from '../../support/console/hostile/markup.ts';
import { scan, watchForHits } from '../../support/console/hostile/scan.ts';
import { SIZE } from '../../support/console/hostile/size.ts';
import { TEXT } from '../../support/console/hostile/text.ts';
import { atMost } from '../../support/patience.ts';

/** What an agent wrote is hostile: nothing of it runs, nothing leaves the origin, nothing hangs, and all of it is shown. */

let scene: ConsoleScene;
let canary: Canary;
beforeAll(async () => {
  [scene, canary] = await Promise.all([ConsoleScene.start(), startCanary()]);
}, atMost(60));
afterAll(() => Promise.all([scene.stop(), canary.stop()]));

function payloads(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.flat().map((payload) => payload.replaceAll('CANARY', canary.host));
}

/** A text as its reader sees it. */
function shown(text: string): string {
  return piecesOf(text)
    .map((piece) => (typeof piece === 'string' ? piece : markOf(piece)))
    .join('');
}

describe.skipIf(!hasChromium())('the components', () => {
  test('show each of 300 payloads in each place as text', async () => {
    const { page } = await scene.visit();
    const dialogs = await watchForHits(page);
    await openComponents(page);
    const all = payloads(MARKUP, MARKDOWN, TEXT);
    for (let at = 0; at < all.length; at += 40) {
      const some = all.slice(at, at + 40);
      await page.evaluate(`show(${JSON.stringify(some)})`);
      expect(await scan(page)).toEqual([]);
      expect(await page.evaluate('textIn("text")')).toEqual(some.map(shown));
      const markdown = await page.evaluate<string[]>('markupIn("markdown")');
      for (const [index, payload] of some.entries())
        if (payload.includes('hit()')) expect(markdown[index], payload).toContain('hit()');
    }
    expect(dialogs).toEqual([]);
    expect(canary.heard).toEqual([]);
  });

  test('draw what is too much in no time, and go on when they are asked for more', async () => {
    const { page } = await scene.visit();
    await openComponents(page);
    for (const payload of payloads(SIZE)) {
      const what = `${payload.slice(0, 20)} × ${payload.length}`;
      // Eighteen views at once.
      const taken = await cpuTimeOf(page, () => page.evaluate(`show([${JSON.stringify(payload)}])`));
      console.log(what, Math.round(taken));
      expect(taken, what).toBeLessThan(3000);
      expect(await scan(page), what).toEqual([]);
    }
  });
});
