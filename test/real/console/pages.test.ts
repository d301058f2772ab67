import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASSETS_FOLDER } from '../../../start/lib/project.ts';
import { startAgents } from '../../../scripts/screenshots/agents.ts';
import { takePictures } from '../../../scripts/screenshots/take.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { hasChromium } from '../../support/client/chromium.ts';
import { axe } from '../../support/console/axe.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { card, isAt, log } from '../../support/console/page-words.ts';
import { asking, speaking } from '../../support/console/prompts.ts';
import type { Width } from '../../support/console/widths.ts';
import { atMost } from '../../support/patience.ts';
import { scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/** What holds for each page of the console, with a session in which everything has happened. */

let scene: ConsoleScene;
let id: string;
beforeAll(async () => {
  scene = await ConsoleScene.start({ vars: { TERMINAL: '1' } });
  ({ parser: id } = await startAgents(scene.client));
}, atMost(60));
afterAll(() => scene.stop());

const SESSION_VIEWS = ['', '/changes', '/files', '/ports', '/terminal', '/artifacts', '/timeline', '/settings'];
const pages = () => [
  '/',
  '/sessions',
  '/sessions/new',
  '/notifications',
  ...SESSION_VIEWS.map((view) => `/sessions/${id}${view}`),
  '/nothing-here',
];

/** The page's one heading, once what it shows has been loaded. */
async function heading(page: Page): Promise<string> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByText(/^Loading/).waitFor({ state: 'hidden' });
  return await until(async () => {
    const name = await page.getByRole('heading', { level: 1 }).innerText();
    // Its title is not known yet.
    expect(name).not.toBe('Session');
    return name;
  });
}

/** Colours change within a moment, and only then are what axe is to look at. */
const COLOURED = `Promise.all(document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity)
  .map(({ finished }) => finished.catch(() => null)))`;

/**
 * What is beyond the window's edge, which a person would have to move the page sideways to see, or cannot see at all. What scrolls in a
 * box of its own, or ends in an ellipsis, is no part of it.
 */
const BEYOND = `(() => {
  const main = document.querySelector('main');
  const isFine = (element) => {
    for (let box = element; box !== null && box !== main; box = box.parentElement) {
      const { overflowX, textOverflow } = getComputedStyle(box);
      if (overflowX === 'auto' || overflowX === 'scroll' || textOverflow === 'ellipsis') return true;
    }
    return false;
  };
  return [...main.querySelectorAll('*')]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !isFine(element))
    .map((element) => element.outerHTML.slice(0, 200));
})()`;

describe.skipIf(!hasChromium()).each<Width>(['phone', 'desk'])('every page on a %s', (width) => {
  test('is right for those who see little or hear it, in light and in dark, with text twice as large, and after a reload', async () => {
    const visit = await scene.visit({ width });
    const { page } = visit;
    visit.allow(/404 .*nothing-here/);
    for (const each of pages()) {
      await page.goto(each);
      const name = await heading(page);
      const found: Record<string, unknown> = {};
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.evaluate(COLOURED);
        // The second theme has other colours, and is the same page besides.
        found[`axe, ${colorScheme}`] = await axe(page, colorScheme === 'light' ? {} : { only: ['color-contrast'] });
      }
      await page.evaluate(`document.documentElement.style.fontSize = '200%'`);
      found['beyond the edge'] = await page.evaluate(BEYOND);
      await page.reload();
      found['heading after a reload'] = await heading(page);
      expect({ each, ...found }).toEqual({
        each,
        'axe, light': [],
        'axe, dark': [],
        'beyond the edge': [],
        'heading after a reload': name,
      });
    }
    // The way back does not depend on the width.
    if (width === 'desk') return;
    for (const each of pages().toReversed().slice(1)) {
      await page.goBack();
      await isAt(page, each);
      await heading(page);
    }
    await page.goForward();
    await isAt(page, '/sessions');
  });
});

describe.skipIf(!hasChromium())('the console', () => {
  test('goes on where one wanted to go after the sign-in, and after signing out has nothing left of anybody', async () => {
    const visit = await scene.visit({ token: null, path: `/sessions/${id}` });
    const { page, context } = visit;
    visit.allow(/401/);
    await page.getByRole('textbox', { name: 'Token' }).fill(await scene.service.token('ada'));
    await page.getByRole('button', { name: 'Sign in' }).tap();
    // Where they wanted to go.
    await page.getByRole('heading', { name: 'Mend the parser' }).waitFor();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    const other = await context.newPage();
    await other.goto('/sessions');
    await other.getByRole('heading', { name: 'Sessions' }).waitFor();
    const key = await page.evaluate<string>("localStorage['cc-docker.page-key']");
    await signOut(page);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await context.cookies()).toEqual([]);
    expect(await page.evaluate(KEPT)).toEqual({ local: [], session: [], databases: [] });
    await page.goBack();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const headers = {
      cookie: `${cookie?.name}=${cookie?.value}`,
      'x-cc-docker-console': key,
      origin: scene.service.url,
    };
    expect((await fetch(`${scene.service.url}/api/v1/sessions`, { headers })).status).toBe(401);
  });

  test('moves nothing for those who want no motion, even while an agent speaks', async () => {
    const { page } = await scene.visit({ more: { reducedMotion: 'reduce' }, path: `/sessions/${id}` });
    await scene.client.tell(id, speaking('calm', 40, 15));
    await log(page)
      .getByText(/calm calm/)
      .last()
      .waitFor();
    expect(await page.evaluate(MOVING)).toEqual([]);
  });

  test('shows an owner’s own things to nobody else', async () => {
    await scene.client.tell(id, asking('For ada alone?', 'yes', 'no'));
    const mine = await scene.visit();
    await card(mine.page, 'For ada alone?').waitFor();
    const visit = await scene.visit({ token: await scene.service.token('eve') });
    await visit.page.getByText('Nothing waits for you').waitFor();
    visit.allow(/404/);
    await visit.page.goto(`/sessions/${id}`);
    await visit.page.getByRole('alert').filter({ hasText: 'no such session' }).waitFor();
  });

  test('is in README as it is: its pictures can be made, and each is small', async () => {
    const files = await takePictures(await scene.place(), { parser: id }, scratch());
    const committed = await readdir(path.join(PROJECT, 'docs/pictures'));
    expect(new Set(files.map((file) => path.basename(file)))).toEqual(new Set(committed));
  });

  test('weighs little: 66 KB before anything can be answered, without what is loaded later', async () => {
    const visit = await scene.visit();
    await card(visit.page, /git push origin v2.4.0/).waitFor();
    const paths = new Set(visit.requests.map((url) => new URL(url).pathname));
    const files = [...paths].filter((name) => name.startsWith('/console/'));
    const sizes = await Promise.all(files.map(async (name) => [name, await gzipped(name)] as const));
    const bytes = sizes.reduce((all, [, size]) => all + size, 0);
    console.log(
      `The console's first page, gzipped: ${bytes} bytes\n${sizes.map(([name, size]) => `  ${size} ${name}`).join('\n')}`,
    );
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(66_000);
  });
});

/** The key of the console's origin is nobody's, and stays. */
const KEPT = `indexedDB.databases().then((databases) => ({
  local: Object.keys(localStorage).filter((key) => !['theme', 'cc-docker.page-key'].includes(key)), session: Object.keys(sessionStorage), databases }))`;

/** Animations that are seen: longer than a frame. */
const MOVING = `document.getAnimations().filter((animation) => animation.playState === 'running' && animation.effect.getComputedTiming().activeDuration > 20)
  .map(({ effect }) => effect.target.outerHTML.slice(0, 200))`;

const gzipped = async (name: string) => gzipSync(await readFile(path.join(ASSETS_FOLDER, name))).byteLength;

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account/ }).tap();
  await page.getByRole('button', { name: 'Sign out' }).tap();
  await until(async () => expect(await page.getByRole('heading', { name: 'Sign in' }).count()).toBe(1));
}
