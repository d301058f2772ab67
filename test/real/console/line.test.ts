import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { card, countOf, heard, log, press, tabTo } from '../../support/console/page-words.ts';
import { asking, speaking, writing } from '../../support/console/prompts.ts';
import { script } from '../../support/e2e/client.ts';
import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';

/** Lines that break, and people at several screens: nothing is missed, nothing comes twice, and one answer counts. */

let scene: ConsoleScene;
let id: string;
beforeAll(async () => {
  scene = await ConsoleScene.start();
  id = await scene.session('The long one');
}, atMost(60));
afterAll(() => scene.stop());

/** What the agent says in its next turn and nobody else: `Said in turn 4.` */
const COUNTED = script({ text: 'Said in turn {{prompt_count}}.' });

/** Has the agent take so many turns. @returns what it has said in them */
async function takeTurns(count: number): Promise<string[]> {
  const said: string[] = [];
  for (let turn = 0; turn < count; turn += 1) said.push((await scene.client.ask(id, COUNTED)).result);
  return said;
}

describe.skipIf(!hasChromium())('a browser that was away', () => {
  test('for ten seconds without a network has missed nothing, and has nothing twice', async () => {
    const visit = await scene.visit({ path: `/sessions/${id}` });
    const { page } = visit;
    const before = await takeTurns(1);
    await log(page)
      .getByText(before[0] ?? '')
      .waitFor();
    await visit.setOffline(true);
    await heard(page, /^Not connected/);
    // 150 words, 15 a second: ten seconds and more.
    await scene.client.ask(id, speaking('meanwhile', 150, 15));
    const missed = await takeTurns(2);
    for (const words of missed) expect(await countOf(log(page), words)).toBe(0);
    await visit.setOffline(false);
    for (const words of missed) await log(page).getByText(words).waitFor();
    for (const words of [...before, ...missed]) expect(await countOf(log(page), words)).toBe(1);
    await page.getByText(/^Not connected/).waitFor({ state: 'hidden' });
  });

  test('while the service was killed and started again goes on by itself, with what it has half written', async () => {
    const visit = await scene.visit({ path: `/sessions/${id}` });
    const { page } = visit;
    visit.allow(/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|WebSocket connection/);
    const before = await takeTurns(1);
    await log(page)
      .getByText(before[0] ?? '')
      .waitFor();
    await page.getByRole('textbox', { name: 'Message' }).fill('half a thought');
    await scene.service.stopEdge();
    await heard(page, /^Not connected/);
    await scene.service.startEdge();
    const after = await takeTurns(1);
    await log(page)
      .getByText(after[0] ?? '')
      .waitFor();
    for (const words of [...before, ...after]) expect(await countOf(log(page), words)).toBe(1);
    expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe('half a thought');
  });
});

describe.skipIf(!hasChromium())('two people at two screens', () => {
  test('answer at once: one answer counts, and the other one is told which', async () => {
    const [phone, desk] = await Promise.all([scene.visit({ width: 'phone' }), scene.visit({ width: 'desk' })]);
    await scene.client.tell(id, asking('Ship it?', 'yes', 'no'));
    const [yes, no] = [phone, desk].map(({ page }, index) =>
      card(page, 'Ship it?').getByRole('button', { name: index === 0 ? /^yes/ : /^no/ }),
    );
    await Promise.all([yes?.waitFor(), no?.waitFor()]);
    // Both answer what they see, whichever is first.
    for (const visit of [phone, desk]) {
      visit.allow(/409 \(Conflict\)/);
      await visit.context.route('**/resolve', async (route) => {
        await bothSend();
        await route.continue();
      });
    }
    const bothSend = barrier(2);
    await Promise.all([yes && press('phone', yes), no && press('desk', no)]);
    const heardBy = await Promise.all(
      [phone, desk].map(async ({ page }) => {
        await heard(page, /^(Answered|Somebody was first): (yes|no)/);
        return await page
          .getByRole('status')
          .filter({ hasText: /^(Answered|Somebody)/ })
          .first()
          .textContent();
      }),
    );
    const { result } = await scene.client.until(id, ({ status }) => status === 'idle').then(() => lastTurn());
    const winner = /yes|no/.exec(result.replace(/.*Ship it\?/, ''))?.[0];
    const words = heardBy.map((each) => /^(Answered|Somebody was first): (yes|no)/.exec(each ?? '')?.[0]);
    expect(new Set(words)).toEqual(new Set([`Answered: ${winner}`, `Somebody was first: ${winner}`]));
  });
});

describe.skipIf(!hasChromium())('a link to a place in the log', () => {
  test('opens there, above what came later, and on a tool’s line what it did', async () => {
    await scene.client.ask(id, writing('early.md', 'An early file'));
    await takeTurns(8);
    const events = await scene.client.events(id);
    const call = events.findLast(({ data }) => JSON.stringify(data).includes('early.md') && data.type === 'assistant');
    const { page } = await scene.visit({ path: `/sessions/${id}#e${call.seq}` });
    const target = page.locator(`#e${call.seq}`);
    await target.waitFor();
    await until(async () => expect(await page.evaluate(inView(`e${call.seq}`))).toBe(true));
    const [newest = ''] = await takeTurns(1);
    await press('phone', page.getByRole('button', { name: 'New below' }));
    await until(async () => expect(await page.evaluate(endsWith(newest))).toBe(true));
  });
});

describe.skipIf(!hasChromium())('a person with a keyboard alone', () => {
  test('comes from the sign-in to an answered question', async () => {
    await scene.client.tell(id, asking('By keyboard?', 'certainly', 'never'));
    const { page } = await scene.visit({ width: 'desk', token: null });
    await tabTo(page, page.getByRole('textbox', { name: 'Token' }));
    await page.keyboard.insertText(await scene.service.token('ada'));
    await page.keyboard.press('Enter');
    await tabTo(page, card(page, 'By keyboard?').getByRole('button', { name: /^certainly/ }));
    await page.keyboard.press('Enter');
    await heard(page, 'Answered: certainly');
    // The focus is not lost with the card that goes.
    await until(async () => expect(await page.evaluate('document.activeElement?.tagName')).not.toBe('BODY'));
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor({ state: 'hidden' });
  });
});

/** Whether an element is within the window. */
const inView = (id: string) => `(() => {
  const { top, bottom } = document.getElementById('${id}').getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
})()`;

/** Whether the log's end is in view, and says so. */
const endsWith = (words: string) => `(() => {
  const last = [...document.querySelectorAll('[role=log] [id^=e]')].filter(({ innerText }) => innerText.includes(${JSON.stringify(words)})).at(-1);
  return last !== undefined && last.getBoundingClientRect().top < innerHeight;
})()`;

/** Lets all go on once so many have come. */
function barrier(count: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let left = count;
  return () => {
    left -= 1;
    if (left === 0) all.resolve();
    return all.promise;
  };
}

async function lastTurn(): Promise<{ result: string }> {
  const events = await scene.client.events(id);
  return events.findLast(({ type }) => type === 'result')?.data;
}
