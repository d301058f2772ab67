import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium } from '../../support/client/chromium.ts';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { card, countOf, countsOf, heard, isAt, log, press, toolLine } from '../../support/console/page-words.ts';
import { asking, running, speaking, writing } from '../../support/console/prompts.ts';
import type { Width } from '../../support/console/widths.ts';
import { spoken } from '../../support/e2e/client.ts';
import { freePort } from '../../support/net/free-port.ts';
import { atMost } from '../../support/patience.ts';
import { serve } from '../../support/preview/scene.ts';
import { until } from '../../support/until.ts';

/** A day with agents, on a phone and at a desk: the real `claude` works, and a person sees it and says what is to be done. */

let scene: ConsoleScene;
/** A session that asks nobody, and one that asks before it does anything. All tests speak to these two. */
let free: string;
let careful: string;
beforeAll(async () => {
  scene = await ConsoleScene.start({ vars: { TERMINAL: '1' } });
  free = await scene.session('The free one');
  careful = await scene.session('The careful one', { permission_mode: 'ask' });
}, atMost(60));
afterAll(() => scene.stop());

/** Waits until the agent has said it. */
const said = (id: string, words: string | RegExp) =>
  until(async () => expect(spoken(await scene.client.events(id))).toContainEqual(expect.stringMatching(words)));

describe.skipIf(!hasChromium()).each<Width>(['phone', 'desk'])('on a %s', (width) => {
  test('starts a session, sees its words as they are made, and the file that it has written', async () => {
    const { page } = await scene.visit({ width });
    await press(width, page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: /^New/ }));
    await page.getByRole('textbox', { name: 'What should it do?' }).fill(speaking('tick', 60, 15));
    await press(width, page.getByRole('button', { name: 'Start' }));
    await isAt(page, /^\/sessions\/(?!new)[\w-]+$/);
    // Of the prompt there is one. The others grow in number, before the message is whole.
    const counts = await countsOf(page, 'tick ');
    await until(async () => expect(await counts()).toContain(61));
    expect(new Set(await counts()).size).toBeGreaterThan(3);
    await page.getByRole('textbox', { name: 'Message' }).fill('Create hello.md saying "Hello from the console"');
    await press(width, page.getByRole('button', { name: 'Send' }));
    // A new session asks, unless one says otherwise.
    const allow = card(page, /hello\.md/).getByRole('button', { name: 'Allow', exact: true });
    await allow.waitFor();
    // The log may move under the finger, and takes no press then.
    await until(async () => {
      if ((await allow.count()) > 0) await press(width, allow);
      await log(page).getByText('the file is real').last().waitFor({ timeout: 2000 });
    });
    await press(width, toolLine(page, /^Write.*hello\.md/));
    await until(async () => expect(await countOf(log(page), 'Hello from the console')).toBeGreaterThan(1));
    const id = /[\w-]+$/.exec(new URL(page.url()).pathname)?.[0] ?? '';
    expect(await readFile(scene.service.workspace(id, 'hello.md'), 'utf8')).toBe('Hello from the console\n');
  });

  test('answers a question from the inbox with one press, and the agent hears it', async () => {
    const { page } = await scene.visit({ width });
    await page.getByText('Nothing waits for you').waitFor();
    await scene.client.tell(free, asking(`Which colour on a ${width}?`, 'teal', 'plum'));
    const question = card(page, `Which colour on a ${width}?`);
    await question.getByRole('link', { name: 'The free one' }).waitFor();
    await until(async () => expect(await page.title()).toBe('(1) Inbox – CC-Docker'));
    await press(width, question.getByRole('button', { name: /^plum/ }));
    await heard(page, 'Answered: plum');
    await question.waitFor({ state: 'detached' });
    await said(free, /Heard: .*plum/);
    await until(async () => expect(await page.title()).toBe('Inbox – CC-Docker'));
  });

  test('allows a command from the inbox, denies one in the session, and each has its end', async () => {
    const { page } = await scene.visit({ width });
    await scene.client.tell(careful, running(`touch allowed-${width}`));
    await press(
      width,
      card(page, new RegExp(`touch allowed-${width}`)).getByRole('button', { name: 'Allow', exact: true }),
    );
    await until(() => expect(existsSync(scene.service.workspace(careful, `allowed-${width}`))).toBe(true));
    await scene.client.until(careful, ({ status }) => status === 'idle');

    await scene.client.tell(careful, running(`touch denied-${width}`));
    await press(width, card(page, new RegExp(`touch denied-${width}`)).getByRole('link', { name: 'The careful one' }));
    await isAt(page, new RegExp(`^/sessions/${careful}`));
    await press(
      width,
      card(page, new RegExp(`touch denied-${width}`)).getByRole('button', { name: 'Deny', exact: true }),
    );
    await scene.client.until(careful, ({ status }) => status === 'idle');
    expect(existsSync(scene.service.workspace(careful, `denied-${width}`))).toBe(false);
  });

  test('interrupts what is under way', async () => {
    const { page } = await scene.visit({ width, path: `/sessions/${free}` });
    await page.getByRole('textbox', { name: 'Message' }).fill(speaking(`endless-${width}`, 400, 20));
    await press(width, page.getByRole('button', { name: 'Send' }));
    await until(async () => expect(await countOf(log(page), `endless-${width} `)).toBeGreaterThan(4));
    await press(width, page.getByRole('button', { name: 'Interrupt' }));
    await scene.client.until(free, ({ status }) => status === 'idle');
    await log(page)
      .getByText(/interrupted/i)
      .last()
      .waitFor();
    await page.getByRole('button', { name: 'Interrupt' }).waitFor({ state: 'hidden' });
  });

  test('sees what has changed, line by line, and the file itself', async () => {
    await scene.client.ask(free, writing(`poem-${width}.md`, 'A first line\nA second line\n'));
    const { page } = await scene.visit({ width, path: `/sessions/${free}` });
    const parts = page.getByRole('navigation', { name: 'Session' });
    await press(width, parts.getByRole('link', { name: 'Changes' }));
    await page.getByText(`poem-${width}.md`).first().waitFor();
    await page.getByText('A second line').first().waitFor();
    await press(width, parts.getByRole('link', { name: 'Files' }));
    await press(width, page.getByRole('link', { name: `poem-${width}.md` }));
    await isAt(page, `/sessions/${free}/files?path=poem-${width}.md`);
    await page.getByText('A first line').last().waitFor();
    await page.goBack();
    await page.getByRole('link', { name: `poem-${width}.md` }).waitFor();
  });

  test('opens what the agent serves in a frame of its own', async () => {
    const port = await freePort('127.0.0.1');
    await serve(scene.client, free, port, { 'index.html': `<!doctype html><h1>Served to a ${width}</h1>` });
    const { page } = await scene.visit({ width, path: `/sessions/${free}/ports` });
    await press(width, page.getByRole('button', { name: `Share port ${port}` }));
    await press(width, page.getByRole('link', { name: `Open port ${port}` }));
    const frame = page.getByTitle(`Port ${port}`, { exact: true });
    await frame
      .contentFrame()
      .getByRole('heading', { name: `Served to a ${width}` })
      .waitFor();
    expect(new URL((await frame.getAttribute('src')) ?? '').origin).not.toBe(scene.service.url);
    await page.goBack();
    await frame.waitFor({ state: 'detached' });
    await press(width, page.getByRole('button', { name: `More for port ${port}` }));
    await press(width, page.getByRole('menuitem', { name: `Stop sharing port ${port}` }));
    await page.getByRole('button', { name: `Share port ${port}` }).waitFor();
  });

  test('runs a command in a terminal', async () => {
    const { page } = await scene.visit({ width, path: `/sessions/${free}/terminal` });
    await press(width, page.getByRole('button', { name: 'Open terminal' }));
    const terminal = page.getByRole('region', { name: 'Terminal' });
    await terminal.getByRole('textbox').focus();
    await page.keyboard.type('echo "forty-$((40 + 2))"\n');
    await terminal.getByText('forty-42').first().waitFor();
  });
});
