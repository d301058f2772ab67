import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markOf, piecesOf } from '../../../console/safe/text/visible.ts';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { type Canary, startCanary } from '../../support/console/hostile/canary.ts';
import { openComponents } from '../../support/console/hostile/components-page.ts';
import { cpuTimeOf } from '../../support/console/hostile/cpu-time.ts';
import { hostileTurn } from '../../support/console/hostile/hostile-turn.ts';
import { MARKDOWN } from '../../support/console/hostile/markdown.ts';
import { MARKUP } from '../../support/console/hostile/markup.ts';
import { openAll, readLog } from '../../support/console/hostile/read-log.ts';
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
      expect(taken, what).toBeLessThan(3000);
      expect(await scan(page), what).toEqual([]);
    }
  });
});

describe.skipIf(!hasChromium())('the console', () => {
  test(
    'shows a session in which all is hostile, part by part, and answers a click in each',
    async () => {
      const { prompt, marks } = hostileTurn(canary.host);
      const title = `${MARKUP[54]}\u202e${MARKDOWN[0]}`.slice(0, 200);
      const { client } = scene;
      const id = await client.createSession({}, { type: 'ephemeral' });
      await client.call('PATCH', `/sessions/${id}`, { title });
      await client.ask(id, prompt);
      const { page } = await scene.visit({ width: 'desk' });
      const dialogs = await watchForHits(page);
      await page.goto(`/sessions/${id}`);
      const seen = new Set<number>();
      await readLog(page, seen);
      expect([...Array(marks).keys()].filter((mark) => !seen.has(mark))).toEqual([]);
      for (const part of ['changes', 'files', 'artifacts', 'ports', 'settings', 'timeline', 'terminal']) {
        await page.goto(`/sessions/${id}/${part}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.waitForLoadState('networkidle');
        await openAll(page);
        expect(await scan(page), part).toEqual([]);
      }
      for (const path of ['/sessions', '/']) {
        await page.goto(path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.waitForLoadState('networkidle');
        expect(await scan(page), path).toEqual([]);
      }
      expect(dialogs).toEqual([]);
      expect(canary.heard).toEqual([]);
    },
    atMost(300),
  );
});
