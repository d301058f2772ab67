import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { axe } from '../../support/console/axe.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { ConsoleWorker } from '../../support/console/worker.ts';
import { script } from '../../support/e2e/client.ts';
import { atMost } from '../../support/patience.ts';
import { subscribesAt } from '../../support/push/in-page.ts';
import { PushServer } from '../../support/push/push-server.ts';
import { until } from '../../support/until.ts';

/** The console as an app: its service worker, offline, and what is pushed to it, in a real browser. */

let scene: ConsoleScene;
let pushes: PushServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-push-'));
  pushes = await PushServer.start(folder);
  vi.stubEnv('NODE_EXTRA_CA_CERTS', pushes.authorityFile);
  scene = await ConsoleScene.start({ vars: { WEBHOOK_ALLOW: '127.0.0.1,::1' } });
}, atMost(60));
afterAll(async () => {
  await scene.stop();
  pushes.stop();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const notified = async () => {
  const visit = await scene.visit({ more: { permissions: ['notifications'] } });
  return { visit, page: visit.page, worker: await ConsoleWorker.of(visit.page) };
};

/** A device of the scene's user, at the stand-in push service. */
async function subscribe(id: string) {
  const { public_key } = (await scene.client.call('GET', '/push')).body;
  const subscription = pushes.subscribe(public_key);
  const { status } = await scene.client.call('PUT', `/push/subscriptions/${id.replaceAll(' ', '-')}`, {
    ...subscription,
    label: id,
  });
  expect(status).toBe(200);
  return subscription.endpoint;
}

/** A session that asks whether it may write a file. @returns its id, and that of what it asks */
async function asking(): Promise<{ id: string; asked: string }> {
  const id = await scene.client.createSession({ permission_mode: 'ask' });
  const input = { file_path: 'note.txt', content: 'hello' };
  await scene.client.tell(id, script({ tool: 'Write', input }, { text: 'Done.' }));
  const asked = await until(async () => {
    const { data } = (await scene.client.call('GET', `/sessions/${id}/interactions?state=open`)).body;
    expect(data).toHaveLength(1);
    return data[0].interaction_id;
  });
  return { id, asked };
}

const came = (endpoint: string, count: number) =>
  until(() => {
    const all = pushes.pushed(endpoint);
    expect(all).toHaveLength(count);
    return all.at(-1)?.message;
  });

const stateOf = async (id: string, asked: string) =>
  (await scene.client.call('GET', `/sessions/${id}/interactions/${asked}`)).body;

describe.skipIf(!hasChromium())('the console as an app', () => {
  test('says that a new version is here, and loads it when somebody wants it', async () => {
    // The page lets no other code load than its own worker. Another address of that is a new version to the browser.
    const { page } = await scene.visit({ more: { bypassCSP: true } });
    const controller = () => page.evaluate<string>('navigator.serviceWorker.controller?.scriptURL ?? ""');
    await until(async () => expect(await controller()).toMatch(/sw\.js$/));
    await page.evaluate("document.body.dataset.used = 'yes'");
    await page.evaluate(`navigator.serviceWorker.register('/sw.js?next', { scope: '/' }).then(() => undefined)`);
    await page.getByText('A new version is here.').waitFor();
    // Nothing is taken from under a person's hands.
    expect(await controller()).toMatch(/sw\.js$/);
    expect(await page.evaluate('document.body.dataset.used')).toBe('yes');
    const loaded = page.waitForEvent('load');
    await page.getByRole('button', { name: 'Reload' }).click();
    await loaded;
    expect(await controller()).toMatch(/\?next$/);
    expect(await page.evaluate('document.body.dataset.used ?? null')).toBeNull();
  });

  test('can be installed, and its worker is there under the CSP', async () => {
    const { page } = await notified();
    const cdp = await page.context().newCDPSession(page);
    const { errors, url } = await cdp.send('Page.getAppManifest');
    expect(new URL(url).pathname).toBe('/manifest.webmanifest');
    expect(errors).toEqual([]);
    const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
    // Each test's browser is a private window, where nothing is installed.
    expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
  });

  test('opens offline with what was known last, and after signing out with nothing', async () => {
    const { id } = await asking();
    await scene.client.call('PATCH', `/sessions/${id}`, { title: 'A title of mine' });
    const { page, visit } = await notified();
    await page
      .getByRole('article', { name: /note\.txt/ })
      .first()
      .waitFor();
    await page.getByRole('link', { name: 'A title of mine' }).first().waitFor();
    await visit.setOffline(true);
    visit.allow(/ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
    await page.reload();
    await page.getByRole('status').filter({ hasText: 'Not connected' }).waitFor();
    await page.getByRole('link', { name: 'A title of mine' }).first().waitFor();
    await visit.setOffline(false);
    await page.reload();
    // The feed may be refused before the page is left.
    visit.allow(/401/);
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain('A title of mine');
    await visit.setOffline(true);
    await page.reload();
    await page.getByRole('heading', { name: 'Not connected' }).waitFor();
    expect(await page.content()).not.toContain('A title of mine');
    await scene.client.deleteSessions();
  });

  test('shows what is asked, answers it by a button, and takes it away when it is answered', async () => {
    const endpoint = await subscribe('button');
    const { worker } = await notified();
    const { id, asked } = await asking();
    await worker.push(await came(endpoint, 1));
    const shown = await worker.one();
    expect(shown).toMatchObject({
      title: expect.stringContaining('wants to use Write'),
      tag: asked.replaceAll('-', ''),
    });
    expect(shown.body).toContain('note.txt');
    expect(shown.actions.map(({ title }) => title)).toEqual(['Allow', 'Deny']);
    await worker.press('Allow');
    await until(async () => expect(await stateOf(id, asked)).toMatchObject({ state: 'resolved', resolved_by: 'ada' }));
    expect(await worker.shown()).toEqual([]);
    // The same, on a second device of the same person, which shows it still.
    const second = await notified();
    await second.worker.push(pushes.pushed(endpoint)[0]?.message);
    await second.worker.one();
    const closed = await until(() => {
      const found = pushes.pushed(endpoint).find(({ message }) => (message as { kind: string }).kind === 'closed');
      expect(found).toBeDefined();
      return found?.message;
    });
    await second.worker.push(closed);
    await until(async () => expect(await second.worker.shown()).toEqual([]));
    await scene.client.call('DELETE', '/push/subscriptions/button');
  });

  test('says when a button came too late, and opens the session in the page that is there', async () => {
    const endpoint = await subscribe('late');
    const { worker, page, visit } = await notified();
    const { id, asked } = await asking();
    await worker.push(await came(endpoint, 1));
    await worker.one();
    const path = `/sessions/${id}/interactions/${asked}/resolve`;
    expect((await scene.client.call('POST', path, { decision: 'deny' })).status).toBe(200);
    visit.allow(/409/);
    await worker.press('Allow');
    expect(await worker.one()).toMatchObject({
      body: expect.stringContaining('Not answered: somebody was first.'),
      actions: [],
    });
    await worker.press();
    await page.waitForURL(new RegExp(`/sessions/${id}#e\\d+$`));
    expect(await worker.shown()).toEqual([]);
    await scene.client.call('DELETE', '/push/subscriptions/late');
  });

  test('lists the devices, removes one, and says why this one cannot be turned on', async () => {
    await subscribe('My old phone');
    const { page, visit } = await notified();
    visit.allow(/does not support the Push API in incognito/);
    await page.goto('/notifications');
    await page.getByRole('heading', { level: 1, name: 'Notifications' }).waitFor();
    const listed = page.getByRole('listitem').filter({ hasText: 'My old phone' });
    await listed.waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Remove My old phone' }).click();
    await listed.waitFor({ state: 'detached' });
    expect((await scene.client.call('GET', '/push/subscriptions')).body.data).toEqual([]);
    // No push service is reached from here.
    await page.getByRole('button', { name: 'Turn on' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: /push service/ })
      .waitFor();
    const denied = await scene.visit({ path: '/notifications', more: { permissions: [] } });
    await denied.page.getByText(/not notified|blocked/).waitFor();
  });

  test('turns this device on, says of what, sends it a test message, and off with the sign-in', async () => {
    const { public_key } = (await scene.client.call('GET', '/push')).body;
    const subscription = pushes.subscribe(public_key);
    const listed = async () => (await scene.client.call('GET', '/push/subscriptions')).body.data;
    const { page } = await scene.visit({ more: { permissions: ['notifications'] } });
    await page.addInitScript(subscribesAt(subscription));
    await page.goto('/notifications');
    await page.getByRole('button', { name: 'Turn on' }).click();
    const ended = page.getByRole('checkbox', { name: /Finished work/ });
    await ended.click();
    await until(async () =>
      expect(await listed()).toMatchObject([
        { label: 'Chrome on Linux', what: ['questions', 'failed', 'notifications'] },
      ]),
    );
    await page.getByRole('button', { name: 'Send a test message' }).click();
    await page.getByText('Sent. It comes within seconds.').waitFor();
    expect(pushes.pushed(subscription.endpoint)).toMatchObject([{ message: { kind: 'test' } }]);
    // The console says at each start that the device is there.
    const before = (await listed())[0].updated_at;
    await page.goto('/');
    await until(async () => expect((await listed())[0].updated_at).not.toBe(before));
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await listed()).toEqual([]);
  });
});
