import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { script } from '../../support/e2e/client.ts';
import { atMost } from '../../support/patience.ts';
import { sharedScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { REAL_CLAUDE } from '../../support/wrapper/run-wrapper.ts';

/** A session of ten thousand events, of the real service: its agent says recorded lines once it has been asked to. */

const TALKATIVE = path.join(import.meta.dirname, '../../support/console/talkative-claude.ts');
const folder = sharedScratch();
let scene: ConsoleScene;
let id: string;

beforeAll(async () => {
  const program = path.join(folder.path, 'claude');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${TALKATIVE}' '${REAL_CLAUDE}' "$@"\n`);
  await chmod(program, 0o755);
  await chmod(folder.path, 0o755);
  scene = await ConsoleScene.start({ runnerEnv: { CLAUDE_PATH: program } });
  id = await scene.client.createSession();
  await say(10_000);
}, atMost(120));
afterAll(() => scene.stop());

/** Has the agent say so many lines more. */
async function say(lines: number): Promise<void> {
  const { last_seq: before } = await scene.client.show(id);
  await scene.client.ask(id, script({ text: `lines: ${lines}` }));
  await scene.client.until(id, ({ last_seq }) => last_seq >= before + lines);
}

/** Bytes that the page's JavaScript holds on to. */
async function held(page: Awaited<ReturnType<ConsoleScene['visit']>>['page']): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  await devtools.detach();
  return usedSize;
}

const MB = 1024 * 1024;
const rows = 'document.querySelectorAll(".log-all > .log-item").length';
const distance =
  '(() => { const e = document.querySelector(".log-scroll"); return e.scrollHeight - e.clientHeight - e.scrollTop; })()';

const newest =
  'Math.max(0, ...[...document.querySelectorAll(".log-all [id^=e]")].map(({ id }) => Number(id.slice(1)) || 0))';

/** The page has what the agent has said, and is at its end. */
async function caughtUp(page: Awaited<ReturnType<ConsoleScene['visit']>>['page']): Promise<void> {
  const { last_seq: last } = await scene.client.show(id);
  // What comes last, after the words, is no line of the log.
  await until(async () => expect(await page.evaluate(newest)).toBeGreaterThan(last - 50));
  await until(async () => expect(await page.evaluate(distance)).toBeLessThan(2));
}

describe.skipIf(!hasChromium())('a log of ten thousand events', () => {
  test('is there at once, at its end, and little of it is in the page', async () => {
    const { page } = await scene.visit({ path: `/sessions/${id}`, width: 'desk' });
    const log = page.getByRole('log', { name: 'Log' });
    await log.locator('.log-item').first().waitFor();
    await until(async () => expect(await page.evaluate(distance)).toBeLessThan(2));
    expect(await page.evaluate(rows)).toBeLessThan(80);
    expect(await held(page)).toBeLessThan(25 * MB);
    // To the beginning, and back: what is between is not loaded.
    await log.focus();
    await page.keyboard.press('g');
    await page.locator('#e1').waitFor();
    expect(await page.evaluate(rows)).toBeLessThan(80);
    await page.keyboard.press('G');
    await until(async () => expect(await page.evaluate(distance)).toBeLessThan(2));
    // A hundred screens up: older events come as they are scrolled to, and nothing jumps to the end.
    await log.hover();
    for (let turn = 0; turn < 100; turn += 1) await page.mouse.wheel(0, -700);
    await until(async () => expect(await page.evaluate(distance)).toBeGreaterThan(20_000));
    await page.getByRole('button', { name: 'To the end' }).click();
    await until(async () => expect(await page.evaluate(distance)).toBeLessThan(2));
  });

  test('finds words that are far from what is loaded', async () => {
    const { page } = await scene.visit({ path: `/sessions/${id}`, width: 'desk' });
    await page.getByRole('log', { name: 'Log' }).locator('.log-item').first().waitFor();
    await page.keyboard.press('/');
    const field = page.getByRole('searchbox', { name: 'Find in the log' });
    await field.fill('lines: 10000');
    await page.getByText('Not in what is loaded').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.log-item-current').getByText('lines: 10000').first().waitFor();
  });

  test('that goes on and on holds no more than it did, stays at its end, and says what is new to who reads above', async () => {
    const { page } = await scene.visit({ path: `/sessions/${id}`, width: 'desk' });
    await page.getByRole('log', { name: 'Log' }).locator('.log-item').first().waitFor();
    await say(6000);
    await caughtUp(page);
    const before = await held(page);
    await say(6000);
    await caughtUp(page);
    expect(await held(page)).toBeLessThan(before + 3 * MB);
    expect(await page.evaluate(rows)).toBeLessThan(80);
    await page.getByRole('log', { name: 'Log' }).hover();
    await page.mouse.wheel(0, -2000);
    await page.getByRole('button', { name: /^(To the end|New below)$/ }).waitFor();
    await say(100);
    await page.getByRole('button', { name: 'New below' }).click();
    await until(async () => expect(await page.evaluate(distance)).toBeLessThan(2));
  });
});
