import type { Browser } from 'playwright-core';
import type { Client } from '../e2e/client.ts';
import { Service, type ServiceOptions } from '../e2e/service.ts';
import { startBrowser, type RunningBrowser } from './browser/browser.ts';
import { Visit, type VisitOptions } from './visit.ts';

/** The one user that most tests need. */
const USER = 'ada';

/**
 * A service without containers, whose model is the demo model and whose agents are the real `claude`, and one Chromium for all who
 * visit it. Two a machine are many: a file of tests has one, and gets its sessions from `client`.
 */
export class ConsoleScene {
  readonly service: Service;
  /** The API, as the user that visits by default. */
  readonly client: Client;
  readonly #browser: RunningBrowser;

  private constructor(service: Service, client: Client, browser: RunningBrowser) {
    this.service = service;
    this.client = client;
    this.#browser = browser;
  }

  static async start(options: Partial<ServiceOptions> = {}): Promise<ConsoleScene> {
    const [service, browser] = await Promise.all([Service.start({ backend: 'process', ...options }), startBrowser()]);
    return new ConsoleScene(service, await service.client(USER), browser);
  }

  /** Opens the console in a browser of its own: cookies, storage and all. Only within a test. */
  async visit(options: VisitOptions = {}): Promise<Visit> {
    const token = options.token === undefined ? await this.service.token(USER) : options.token;
    return await Visit.open(this.#browser.browser, this.service.url, { ...options, token });
  }

  /** The browser, and where it goes as whom. */
  async place(): Promise<{ browser: Browser; url: string; token: string }> {
    return { browser: this.#browser.browser, url: this.service.url, token: await this.service.token(USER) };
  }

  /** A new session of the same user. @returns its id */
  async session(title: string, config: object = {}): Promise<string> {
    return await this.client.createSession(config, { type: 'ephemeral' }, title);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#browser.stop(), this.service.stop()]);
  }
}
