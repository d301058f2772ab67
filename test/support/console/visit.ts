import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { WAIT_MS } from '../patience.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { signIn } from './sign-in.ts';
import { watch, type Watch } from './watch.ts';
import { WIDTHS, type Width } from './widths.ts';

/** Where the pictures of failed tests are. */
const PICTURES = path.join(PROJECT, 'build', 'console-failures');

export interface VisitOptions {
  /** Absent: a phone. */
  readonly width?: Width;
  /** The first page. Absent: the inbox. */
  readonly path?: string;
  /** A user's token. Absent: the scene's own user; null: nobody is signed in. */
  readonly token?: string | null;
  /** What is done to the page before it is opened. */
  readonly before?: (page: Page) => Promise<unknown>;
  /** More of the browser: `colorScheme`, `reducedMotion`. */
  readonly more?: BrowserContextOptions;
}

/** A person's browser with a page of the console, which does not outlive its test, and fails it for what the page must not do. */
export class Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly #watch: Watch;
  readonly #allowed: RegExp[] = [];

  private constructor(page: Page, watched: Watch) {
    this.page = page;
    this.context = page.context();
    this.#watch = watched;
  }

  /** Called within a test. @param origin the service's */
  static async open(
    browser: Browser,
    origin: string,
    options: VisitOptions & { token: string | null },
  ): Promise<Visit> {
    const { width = 'phone', path: first = '/', token, before, more } = options;
    const context = await browser.newContext({ baseURL: origin, ...WIDTHS[width], ...more });
    context.setDefaultTimeout(WAIT_MS);
    if (token !== null) await signIn(context, origin, token);
    const watched = await watch(context, origin);
    const visit = new Visit(await context.newPage(), watched);
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') await visit.#picture(task.name);
      await context.close();
      expect(visit.problems).toEqual([]);
    });
    await before?.(visit.page);
    await visit.page.goto(first);
    return visit;
  }

  /** The addresses of all requests until now. */
  get requests(): readonly string[] {
    return this.#watch.requests;
  }

  /** What went wrong until now, other than what is allowed. */
  get problems(): readonly string[] {
    return this.#watch.problems.filter((problem) => !this.#allowed.some((allowed) => allowed.test(problem)));
  }

  /** A problem that this test makes by intent, such as `/409 \(Conflict\)/`: Chromium logs each refused call as an error. */
  allow(problem: RegExp): void {
    this.#allowed.push(problem);
  }

  /** Cuts the browser off from the service, or connects it again. */
  async setOffline(offline: boolean): Promise<void> {
    this.allow(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED/);
    await this.context.setOffline(offline);
  }

  async #picture(name: string): Promise<void> {
    const file = path.join(PICTURES, `${name.replaceAll(/\W+/g, '-').slice(0, 80)}.png`);
    await mkdir(PICTURES, { recursive: true });
    for (const [index, page] of this.context.pages().entries())
      await page.screenshot({ path: index === 0 ? file : file.replace('.png', `-${index}.png`), timeout: 5000 });
    console.error(`${name}: ${file}, at ${this.page.url()}, with ${JSON.stringify(this.problems)}`);
  }
}
