import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { signIn } from '../../test/support/console/sign-in.ts';
import { WIDTHS } from '../../test/support/console/widths.ts';
import type { Agents } from './agents.ts';

/** Most bytes of a picture: README loads all of them. */
const MOST_BYTES = 60_000;

interface Picture {
  readonly name: string;
  readonly path: (agents: Agents) => string;
  readonly look: BrowserContextOptions;
  /** What is on the page once it is as it should be. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const PHONE = { ...WIDTHS.phone, deviceScaleFactor: 2 };
const DESK = { ...WIDTHS.desk, deviceScaleFactor: 1.5 };

const PICTURES: readonly Picture[] = [
  {
    name: 'phone-inbox',
    path: () => '/',
    look: { ...PHONE, colorScheme: 'light' },
    ready: (page) => page.getByRole('article').nth(2).waitFor(),
  },
  {
    name: 'phone-session',
    path: ({ parser }) => `/sessions/${parser}`,
    look: { ...PHONE, colorScheme: 'dark' },
    ready: (page) => page.getByRole('log').getByText('See the parser').waitFor(),
  },
  {
    name: 'desk-changes',
    path: ({ parser }) => `/sessions/${parser}/changes`,
    look: { ...DESK, colorScheme: 'light' },
    ready: (page) => page.getByRole('link', { name: 'Open the file' }).waitFor(),
  },
];

/** Where the console is, and who looks at it. */
interface Place {
  readonly browser: Browser;
  readonly url: string;
  readonly token: string;
}

/** Makes the pictures of README, from the console as it is: `NAME.webp` in the folder. @returns the files */
export async function takePictures({ browser, url, token }: Place, agents: Agents, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { name, path: at, look, ready } of PICTURES) {
    const context = await browser.newContext({ baseURL: url, reducedMotion: 'reduce', ...look });
    await signIn(context, url, token);
    const page = await context.newPage();
    await page.goto(at(agents));
    await ready(page);
    const file = path.join(folder, `${name}.webp`);
    await writeFile(file, await small(page));
    files.push(file);
    await context.close();
  }
  return files;
}

/** The page as WebP, as good as fits. */
async function small(page: Page): Promise<Buffer> {
  const debug = await page.context().newCDPSession(page);
  for (const quality of [85, 70, 55, 40, 25]) {
    const { data } = await debug.send('Page.captureScreenshot', { format: 'webp', quality });
    const picture = Buffer.from(data, 'base64');
    if (picture.byteLength <= MOST_BYTES) return picture;
  }
  throw new Error(`the picture of ${page.url()} has more than ${MOST_BYTES} bytes`);
}
