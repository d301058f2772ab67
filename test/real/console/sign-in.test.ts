import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { axe } from '../../support/console/axe.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { atMost } from '../../support/patience.ts';
import type { Visit } from '../../support/console/visit.ts';

/** Signing in to the console, in a real browser. */

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await ConsoleScene.start();
}, atMost(60));
afterAll(() => scene.stop());

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });
const inbox = (page: Page) => heading(page, 'Inbox').waitFor();
const cookies = async ({ context }: Visit) => (await context.cookies()).map(({ name }) => name);
const sessionOf = (page: Page) =>
  page.evaluate<{ id: string; sub: string } | null>(
    "fetch('/api/v1/console/session', { headers: { 'x-cc-docker-console': '1' } }).then((a) => a.json()).then((b) => b.session)",
  );

/** As another program on the page's origin would do it. */
const SIGN_OUT =
  "fetch('/api/v1/console/session', { method: 'DELETE', headers: { 'x-cc-docker-console': '1' } }).then((a) => a.status)";

describe.skipIf(!hasChromium())('somebody signs in', () => {
  test('with a one-time link: it asks, and no address or history keeps the code', async () => {
    const code = await scene.service.loginCode('grace');
    const visit = await scene.visit({ token: null, path: `/sessions#code=${code}` });
    const { page } = visit;
    await page.getByText('This link signs you in as grace').waitFor();
    expect(new URL(page.url()).hash).toBe('');
    expect(await axe(page)).toEqual([]);
    expect(await cookies(visit)).toEqual([]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Sessions').waitFor();
    expect(await sessionOf(page)).toMatchObject({ sub: 'grace' });
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(visit.requests.filter((url) => url.includes(code))).toEqual([]);

    // Once more, in another browser.
    const other = await scene.visit({ token: null, path: `/#code=${code}` });
    other.allow(/401/);
    await other.page.getByRole('button', { name: 'Sign in' }).click();
    expect(await other.page.getByRole('alert').textContent()).toContain('used before');
    await other.page.getByRole('button', { name: 'Another way' }).click();
    await other.page.getByRole('textbox', { name: 'Token' }).waitFor();
  });

  test('with a token that is pasted; a wrong one is told what to do', async () => {
    const visit = await scene.visit({ token: null });
    visit.allow(/401/);
    const { page } = visit;
    await heading(page, 'Sign in').waitFor();
    expect(await axe(page)).toEqual([]);
    const token = page.getByRole('textbox', { name: 'Token' });
    await token.fill('wrong');
    await token.press('Enter');
    expect(await page.getByRole('alert').textContent()).toContain('no token or code of this service');
    await token.fill(`Bearer ${await scene.service.token('grace')}`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await inbox(page);
    // It is there after a reload, and in another tab.
    await page.reload();
    await inbox(page);
    expect(await sessionOf(page)).toMatchObject({ sub: 'grace' });
  });

  test('else than who is signed in already only after a question', async () => {
    const visit = await scene.visit();
    const { page } = visit;
    await inbox(page);
    const code = await scene.service.loginCode('mallory');
    await page.goto(`/#code=${code}`);
    await page.getByText('in place of ada').waitFor();
    await page.getByRole('button', { name: 'Stay as you are' }).click();
    await inbox(page);
    expect(await sessionOf(page)).toMatchObject({ sub: 'ada' });
  });
});

describe.skipIf(!hasChromium())('a sign-in that ends', () => {
  test('is asked for over the page, which then goes on where it was, with the call that was refused', async () => {
    const visit = await scene.visit({ width: 'desk' });
    visit.allow(/401/);
    const { page } = visit;
    await inbox(page);
    await page.evaluate("window.kept = 'half-written'");
    const { id } = (await sessionOf(page)) ?? { id: '' };
    const admin = await scene.service.client('root', { scope: 'admin' });
    await admin.call('POST', '/revocations', { jti: id });
    await heading(page, 'Sign in again').waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('textbox', { name: 'Token' }).fill(await scene.service.token('ada'));
    const feed = page.waitForResponse((answer) => answer.url().includes('/api/v1/events') && answer.ok());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await feed;
    await heading(page, 'Sign in again').waitFor({ state: 'detached' });
    expect(await page.evaluate('window.kept')).toBe('half-written');
  });

  test('in one tab has ended in all; so has nothing of one person’s stayed for the next', async () => {
    const visit = await scene.visit();
    visit.allow(/401/);
    await inbox(visit.page);
    const other = await visit.context.newPage();
    await other.goto('/sessions');
    await heading(other, 'Sessions').waitFor();
    const value = (await visit.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    await visit.page.evaluate("sessionStorage.setItem('cc-docker.draft', 'secret')");
    await visit.page.evaluate(SIGN_OUT);
    await visit.page.reload();
    await heading(visit.page, 'Sign in').waitFor();
    await heading(other, 'Sign in again').waitFor();
    await other.getByRole('textbox', { name: 'Token' }).fill(await scene.service.token('grace'));
    await other.evaluate("window.kept = 'of ada'");
    await other.getByRole('button', { name: 'Sign in' }).click();
    await heading(other, 'Sessions').waitFor();
    await other.waitForFunction('window.kept === undefined');
    // What was copied of the first sign-in is worth nothing.
    const replayed = await fetch(`${scene.service.url}/api/v1/sessions`, {
      headers: { cookie: value, 'x-cc-docker-console': '1' },
    });
    expect(replayed.status).toBe(401);
  });
});
