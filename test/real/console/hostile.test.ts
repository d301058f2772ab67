import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markOf, piecesOf } from '../../../console/safe/text/visible.ts';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { type Canary, startCanary } from '../../support/console/hostile/canary.ts';
import { openComponents } from '../../support/console/hostile/components-page.ts';
import { cpuTimeOf } from '../../support/console/hostile/cpu-time.ts';
import {
  hostileLabels,
  hostileAnswer,
  hostileQuestion,
  hostileTurn,
  hostileWish,
} from '../../support/console/hostile/hostile-turn.ts';
import { MARKDOWN } from '../../support/console/hostile/markdown.ts';
import { MARKUP } from '../../support/console/hostile/markup.ts';
import { ODD_DATA } from '../../support/console/hostile/odd-events.ts';
import { openAll, openPage, readLog } from '../../support/console/hostile/read-log.ts';
import { scan, watchForHits } from '../../support/console/hostile/scan.ts';
import { SIZE } from '../../support/console/hostile/size.ts';
import { TEXT } from '../../support/console/hostile/text.ts';
import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';

/** What an agent wrote is hostile: nothing of it runs, nothing leaves the origin, nothing hangs, and all of it is shown. */

/** What the sessions are called. */
const TITLE = `${MARKUP[54]}\u202e${MARKDOWN[0]}`.slice(0, 200);

let scene: ConsoleScene;
let canary: Canary;
beforeAll(async () => {
  [scene, canary] = await Promise.all([ConsoleScene.start(), startCanary()]);
}, atMost(60));
afterAll(() => Promise.all([scene.stop(), canary.stop()]));

function payloads(...lists: readonly (readonly string[])[]): readonly string[] {
  return lists.flat().map((payload) => payload.replaceAll('CANARY', canary.host));
}

/** The views that take a text of any length, and do something with it. */
const HEAVY = ['text', 'markdown', 'terminal', 'code', 'patch', 'compared', 'file', 'json'];

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
      const taken = await cpuTimeOf(page, () =>
        page.evaluate(`show([${JSON.stringify(payload)}], ${JSON.stringify(HEAVY)})`),
      );
      expect(taken, what).toBeLessThan(2000);
      expect(await scan(page), what).toEqual([]);
    }
  });
});

describe.skipIf(!hasChromium())('the console', () => {
  test(
    'shows a session in which all is hostile, part by part',
    async () => {
      const { client } = scene;
      const { prompt, marks } = hostileTurn(canary.host);
      const id = await client.createSession();
      await client.call('PATCH', `/sessions/${id}`, { title: TITLE });
      await client.ask(id, prompt);
      const labels = hostileLabels(canary.host);
      for (const [index, label] of labels.entries()) {
        const shared = await client.call('POST', `/sessions/${id}/ports`, { port: 4000 + index, label });
        expect(shared.status, label).toBe(201);
      }
      const child = { prompt: hostileAnswer(canary.host, marks), title: TITLE };
      expect((await client.call('POST', `/sessions/${id}/spawn`, child)).status).toBe(201);
      await until(async () => {
        const types = (await client.events(id)).map(({ type }) => type);
        expect(types).toContain('child.result');
      });
      const { page } = await scene.visit({ width: 'desk' });
      const dialogs = await watchForHits(page);
      await openPage(page, `/sessions/${id}`);
      const seen = new Set<number>();
      await readLog(page, seen);
      expect([...Array(marks + 1).keys()].filter((mark) => !seen.has(mark))).toEqual([]);
      for (const part of ['timeline', 'changes', 'files', 'files?path=all.md', 'artifacts', 'ports', 'settings']) {
        await openPage(page, `/sessions/${id}/${part}`);
        await openAll(page);
        expect(await scan(page), part).toEqual([]);
        if (part !== 'ports') continue;
        const text = await page.locator('main').innerText();
        expect(labels.filter((label) => !text.includes(shown(label)))).toEqual([]);
      }
      await openPage(page, '/sessions');
      await page.getByRole('link', { name: TITLE.slice(0, 20) }).waitFor();
      expect(await scan(page)).toEqual([]);
      expect(dialogs).toEqual([]);
      expect(canary.heard).toEqual([]);
    },
    atMost(240),
  );

  test('shows what a hostile agent asks, and it is answered', async () => {
    const { client } = scene;
    const id = await client.createSession({ permission_mode: 'ask' });
    await client.call('PATCH', `/sessions/${id}`, { title: TITLE });
    await client.tell(id, hostileQuestion());
    const { page } = await scene.visit();
    const dialogs = await watchForHits(page);
    await openPage(page, '/');
    for (const turn of ['question', 'permission']) {
      if (turn === 'permission') await client.tell(id, hostileWish());
      await page.getByRole('article').waitFor();
      await openAll(page);
      expect(await scan(page), turn).toEqual([]);
      // The session's own page has the same card.
      await page.getByRole('article').getByRole('link').first().click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await openAll(page);
      expect(await scan(page), turn).toEqual([]);
      await openPage(page, '/');
      const { body } = await client.call('GET', `/sessions/${id}/interactions?state=open`);
      const [{ interaction_id }] = body.data;
      const answer =
        turn === 'permission'
          ? { decision: 'deny', message: MARKUP[54] }
          : { answer: [MARKUP[54], [`${MARKUP[1]?.slice(0, 150)} 1`]] };
      const { status } = await client.call('POST', `/sessions/${id}/interactions/${interaction_id}/resolve`, answer);
      expect(status).toBe(200);
      await page.getByRole('article').waitFor({ state: 'detached' });
      expect(await scan(page), turn).toEqual([]);
      await client.until(id, ({ status }) => status === 'idle');
    }
    expect(dialogs).toEqual([]);
    expect(canary.heard).toEqual([]);
  });

  test('goes on where the fields of events are of any type', async () => {
    const { client } = scene;
    const [session] = (await client.call('GET', '/sessions')).body.data;
    const { page } = await scene.visit({ width: 'desk' });
    const dialogs = await watchForHits(page);
    // The edge passes on what a container says untouched. No agent here says this, so the page gets it in place of what was said.
    await page.route(/\/events\?/, async (route) => {
      if (route.request().headers()['accept']?.includes('event-stream')) return route.continue();
      const answer = await route.fetch();
      const found: { data: { type: string; data: unknown }[] } = await answer.json();
      let next = 0;
      for (const event of found.data) if (!event.type.includes('.')) event.data = ODD_DATA[next++ % ODD_DATA.length];
      await route.fulfill({ response: answer, json: found });
    });
    await openPage(page, `/sessions/${session.session_id}`);
    await readLog(page, new Set());
    await page.getByRole('textbox', { name: 'Message' }).fill('It goes on');
    expect(dialogs).toEqual([]);
  });
});
