import type { Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConsoleScene } from '../../support/console/console-scene.ts';
import { script } from '../../support/e2e/client.ts';
import { freePort } from '../../support/net/free-port.ts';
import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';

let scene: ConsoleScene;
/** A session that is awake. */
let id: string;

beforeAll(async () => {
  scene = await ConsoleScene.start({ vars: { TERMINAL: '1' } });
  id = await scene.client.createSession();
  const written = { file_path: '{{cwd}}/src/app.ts', content: 'export const answer = 42;\n' };
  await scene.client.ask(id, script({ tool: 'Write', input: written }, { text: 'Done.' }));
}, atMost(90));
afterAll(() => scene.stop());

/** In the page: the piece of a terminal that has just this text. */
const spanOf = (text: string) =>
  `[...document.querySelectorAll('.xterm-rows span')].find((span) => span.textContent === '${text}')`;
const shown = (page: Page) => page.locator('.xterm-rows').innerText();
const sees = (page: Page, text: string | RegExp) => until(async () => expect(await shown(page)).toMatch(text));

test('a terminal has its colours and widths under the page’s policy, and what it prints reaches nothing else', async () => {
  const visit = await scene.visit({ width: 'desk', path: `/sessions/${id}/terminal` });
  const { page } = visit;
  await visit.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate("navigator.clipboard.writeText('mine')");
  await page.getByRole('button', { name: 'Open terminal' }).click();
  await page.getByRole('region', { name: 'Terminal' }).getByText('Open', { exact: true }).waitFor();
  await page.keyboard.type(
    String.raw`PS1='$ '; clear; printf '\033[38;2;10;200;30mtruecolor\033[0m \033[31mred\033[0m 日本|\n'` + '\n',
  );
  // What was typed has these words too, until it is cleared, but in no piece of their own.
  await until(async () => expect(await page.evaluate(`${spanOf('truecolor')} !== undefined`)).toBe(true));
  const color = (text: string) => page.evaluate<string>(`getComputedStyle(${spanOf(text)}).color`);
  // As near to what was asked for as it can be read on this ground (`minimumContrastRatio`).
  expect(await color('truecolor')).toMatch(/^rgb\(\d+, 1\d\d, \d+\)$/);
  expect(await color('red')).toMatch(/^rgb\(1[5-9]\d, \d\d, \d\d\)$/);
  const all = await columns(page);
  const cells = await page.evaluate<number>(`{
    const range = document.createRange();
    range.selectNodeContents(${spanOf('日本')});
    range.getBoundingClientRect().width / (document.querySelector('.xterm-screen').getBoundingClientRect().width / ${all});
  }`);
  expect(cells, 'two cells for each of the two').toBeGreaterThan(3.8);

  const title = await page.title();
  await page.keyboard.type(
    String.raw`clear; printf '\033]0;pwned\007\033]2;pwned\007\033]52;c;cHduZWQ=\007\033[21t\033[5i'; echo nothing; read -t 1 -n 4; echo "[$REPLY]"` +
      '\n',
  );
  await sees(page, /\[\]/);
  expect(await page.title()).toBe(title);
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe('mine');

  await page.keyboard.type(
    String.raw`clear; printf '\033]8;;http://example.com/elsewhere\033\\http://good.example\033]8;;\033\\\n'` + '\n',
  );
  await sees(page, 'http://good.example');
  const question = page.getByRole('dialog', { name: 'Open this address?' });
  await until(async () => {
    // The pieces of a line are made anew as it is drawn, so that none stays to be pressed.
    const line = await page.locator('.xterm-rows > div', { hasText: 'good.example' }).first().boundingBox();
    await page.mouse.move((line?.x ?? 0) + 20, (line?.y ?? 0) + 6);
    await page.mouse.click((line?.x ?? 0) + 30, (line?.y ?? 0) + 6);
    expect(await question.getByText('http://example.com/elsewhere').count()).toBe(1);
  });
  await question.getByRole('button', { name: 'Cancel' }).click();
  expect(visit.context.pages()).toHaveLength(1);
});

test('a terminal that was left is come back to, and a line that breaks loses no byte', async () => {
  const visit = await scene.visit({ width: 'phone', path: `/sessions/${id}/terminal` });
  const { page } = visit;
  const sockets: WebSocketRoute[] = [];
  await page.routeWebSocket(/\/terminal\?/, (socket) => {
    socket.connectToServer();
    sockets.push(socket);
  });
  // From its next page on.
  await page.reload();
  await page.getByRole('button', { name: 'Open terminal' }).tap();
  await page.getByRole('region', { name: 'Terminal' }).getByText('Open', { exact: true }).waitFor();
  // A question that the output asks is answered into the input: once, not again when the output is shown a second time.
  await page.keyboard.type(String.raw`PS1='$ '; clear; printf '\033[6n'; read -rs -d R; echo "asked once"` + '\n');
  await sees(page, /asked once\n\$ /);
  await page.keyboard.type('for n in $(seq 1 300); do echo line-$n; sleep 0.01; done; echo all-$((100+1))\n');
  await sees(page, 'line-20');
  await sockets.at(-1)?.close({ code: 1011 });
  await until(() => expect(sockets.length).toBeGreaterThan(1));
  await sees(page, 'all-101');
  expect(await shown(page)).toMatch(/line-298\nline-299\nline-300\nall-101/);

  await page.reload();
  await sees(page, 'all-101');
  await page.keyboard.type('echo clean\n');
  await sees(page, /^\$ echo clean\nclean$/m);
  await page.getByRole('button', { name: 'Ctrl' }).tap();
  await page.keyboard.type('u');
  await page.keyboard.type('exit 3\n');
  await page.getByText('Ended with code 3').waitFor();
  await page.getByRole('button', { name: 'Open another' }).waitFor();
});

test('a message is sent once, though the answers to it are lost and the page is loaded again', async () => {
  const visit = await scene.visit({ path: `/sessions/${id}` });
  const { page } = visit;
  visit.allow(/ERR_FAILED|ERR_CONNECTION/);
  const text = `once ${Date.now()}`;
  let calls = 0;
  await page.route('**/chat', async (route) => {
    calls += 1;
    // The service has it, and the page never hears so.
    await route.fetch();
    await route.abort();
  });
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).tap();
  await page.getByText('The service cannot be reached').waitFor();
  expect(calls).toBe(4);
  expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe(text);

  await page.unroute('**/chat');
  await page.reload();
  await until(async () => expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toBe(''));
  const { body } = await scene.client.call('GET', `/sessions/${id}/messages`);
  expect(body.data.filter(({ prompt }: { prompt: string }) => prompt === text)).toHaveLength(1);
});

test('a draft outlives a reload, and what is refused stays with its reason', async () => {
  const visit = await scene.visit({ path: `/sessions/${id}` });
  const { page } = visit;
  visit.allow(/422/);
  const field = page.getByRole('textbox', { name: 'Message' });
  await field.fill('half a thought');
  await page.reload();
  expect(await field.inputValue()).toBe('half a thought');
  const choose = (name: string, mimeType: string, buffer: Buffer) =>
    page.locator('.composer input[type=file]').setInputFiles({ name, mimeType, buffer });
  await choose('huge.png', 'image/png', Buffer.alloc(6 * 1024 * 1024));
  await page.getByText('huge.png is an image of 6 MiB').waitFor();
  expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Take huge.png out' }).tap();
  await choose('fake.png', 'image/png', Buffer.from('not a picture'));
  await page.getByRole('button', { name: 'Send' }).tap();
  await page.getByRole('alert').filter({ hasText: 'is no JPEG, PNG, GIF or WebP image' }).waitFor();
  expect(await field.inputValue()).toBe('half a thought');
});

test('a call that the network fails beside a stream that holds does not end the page', async () => {
  const visit = await scene.visit({ path: `/sessions/${id}` });
  const { page } = visit;
  visit.allow(/ERR_FAILED/);
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  let failed = 0;
  await page.route(`**/api/v1/sessions/${id}`, async (route) => {
    failed += 1;
    await route.abort();
  });
  await scene.client.ask(id, 'first words');
  // With the client's own tries.
  await until(() => expect(failed).toBeGreaterThanOrEqual(4));
  await page.unroute(`**/api/v1/sessions/${id}`);
  await scene.client.ask(id, 'second words');
  await page.getByRole('log').getByText('second words', { exact: true }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});

test('files come up and down, and a folder comes as an archive', async () => {
  const { page } = await scene.visit({ width: 'desk', path: `/sessions/${id}/files` });
  await page.getByRole('button', { name: 'src' }).first().click();
  await page.getByRole('link', { name: /app\.ts/ }).click();
  await page.getByRole('region', { name: 'src/app.ts' }).getByText('export const answer = 42;').waitFor();
  expect(page.url()).toContain('/files?path=src%2Fapp.ts');
  const file = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  expect(await readAll(await file)).toBe('export const answer = 42;\n');

  await page
    .locator('.files input[type=file]')
    .setInputFiles({ name: 'up.txt', mimeType: 'text/plain', buffer: Buffer.from('from the desk') });
  await page.getByRole('list', { name: 'Uploads' }).getByText('uploaded').waitFor();
  expect(await (await scene.client.raw('GET', `/sessions/${id}/files/up.txt`)).text()).toBe('from the desk');
  // Beside the log there is room for the tree or a file.
  await page.getByRole('link', { name: 'All files' }).click();
  await page.getByRole('link', { name: /up\.txt/ }).waitFor();

  const archive = page.waitForEvent('download');
  await page.getByRole('button', { name: 'More for the workspace' }).click();
  await page.getByRole('menuitem', { name: 'Save all as tar' }).click();
  expect(await readAll(await archive)).toContain('from the desk');
});

test('a port opens in a frame of its own origin, whose page neither leads the console away nor keeps the keys that are typed into it', async () => {
  const port = await freePort();
  const server = `require('node:http').createServer((q, a) => a.setHeader('content-type', 'text/html').end(${JSON.stringify(GRABBER)})).listen(${port})`;
  await scene.client.ask(
    id,
    script({
      tool: 'Bash',
      input: { command: `cat > serve.cjs <<'END'\n${server}\nEND\n(setsid node serve.cjs >/dev/null 2>&1 &)` },
    }),
  );
  const visit = await scene.visit({ width: 'desk', path: `/sessions/${id}/ports` });
  // Chromium says that the page was kept from leading the console away.
  visit.allow(/Unsafe attempt to initiate navigation/);
  const { page } = visit;
  await page.getByRole('button', { name: `Share port ${port}` }).click();
  await page.getByRole('link', { name: `Open port ${port}` }).click();
  const inside = page.frameLocator(`iframe[title="Port ${port}"]`);
  await inside.getByText('origin of its own').waitFor();
  await page.getByRole('textbox', { name: 'Message' }).click();
  await page.keyboard.type('for the agent alone', { delay: 50 });
  await page.getByText('The page was closed').waitFor();
  await page.keyboard.type(', all of it');
  const typed = await page.getByRole('textbox', { name: 'Message' }).inputValue();
  expect(typed).toMatch(/, all of it$/);
  // What is pressed in the very moment in which the page takes the focus is the page's.
  expect(typed.length).toBeGreaterThan('for the agent alone, all of it'.length - 4);
  expect(page.url()).toBe(`${scene.service.url}/sessions/${id}/ports?port=${port}`);
  await page.getByRole('button', { name: 'Open it again' }).click();
  await inside.getByText('origin of its own').waitFor();
});

/** A page that takes the focus whenever it can, and wants to be all that is seen. */
const GRABBER = `<h1></h1><input id="keys"><script>
  try { top.document.title } catch { document.querySelector('h1').textContent = 'origin of its own' }
  try { top.location = '/docs' } catch {}
  setInterval(() => { window.focus(); document.getElementById('keys').focus() }, 20)
</script>`;

async function columns(page: Page): Promise<number> {
  await page.keyboard.type('echo cols=$(tput cols)\n');
  await sees(page, /cols=\d+/);
  return Number(/cols=(\d+)/.exec(await shown(page))?.[1]);
}

async function readAll(download: { createReadStream(): Promise<AsyncIterable<Uint8Array>> }): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}
