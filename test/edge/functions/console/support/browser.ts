import { env } from 'cloudflare:test';
import { createApp } from '../../../../../functions/app.ts';
import { mint, type Answer, type TokenOptions } from '../../../support/api.ts';

const app = createApp();

/** Where the page of the console is, unless a test says otherwise. */
export const ORIGIN = 'http://127.0.0.1:8000';

export interface BrowserOptions {
  /** Where the service answers to the browser, or to a proxy before it. */
  readonly url?: string;
  readonly vars?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A browser with the console's page: it keeps cookies, and sends what a page's own `fetch` sends. */
export class Browser {
  readonly cookies = new Map<string, string>();
  /** The last cookie that it was given, as the service wrote it. */
  lastSetCookie: string | undefined;
  readonly #options: BrowserOptions;

  constructor(options: BrowserOptions = {}) {
    this.#options = options;
  }

  /** One in which somebody is signed in. */
  static async of(sub: string, options: TokenOptions = {}): Promise<Browser> {
    const browser = new Browser();
    const { status } = await browser.signIn(await mint(sub, options));
    if (status !== 201) throw new Error(`the sign-in of ${sub} is refused: ${status}`);
    return browser;
  }

  /** Another one that has the same cookies. */
  copy(options: BrowserOptions = this.#options): Browser {
    const other = new Browser(options);
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }

  get cookieValue(): string | undefined {
    return [...this.cookies.values()][0];
  }

  signIn(codeOrToken: string | undefined): Promise<Answer> {
    const headers = codeOrToken === undefined ? {} : { authorization: `Bearer ${codeOrToken}` };
    return this.call('POST', '/api/v1/console/session', undefined, headers);
  }

  /** A call as the console's client makes it. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const origin: Record<string, string> = method === 'GET' ? {} : { origin: this.#options.url ?? ORIGIN };
    const own = { 'x-cc-docker-console': '1', 'sec-fetch-site': 'same-origin' };
    return await this.bare(method, path, { ...own, ...origin, ...this.#options.headers, ...headers }, body);
  }

  /** A call with these headers, and the cookies. `null`: without this one. */
  async bare(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | null>>,
    body?: unknown,
  ): Promise<Answer> {
    const response = await this.#fetch(method, path, headers, body);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  /** The feed of whoever is signed in, open. */
  feed(): Promise<Response> {
    const accept = 'text/event-stream';
    return this.#fetch('GET', '/api/v1/events', {
      accept,
      'x-cc-docker-console': '1',
      'sec-fetch-site': 'same-origin',
    });
  }

  async #fetch(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | null>>,
    body?: unknown,
  ): Promise<Response> {
    const { url = ORIGIN, vars = {} } = this.#options;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = new Headers(cookie === '' ? {} : { cookie });
    for (const [name, value] of Object.entries(headers)) if (value !== null) sent.set(name, value);
    const init = { method, headers: sent, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await app.request(`${url}${path}`, init, { ...env, ...vars });
    for (const set of response.headers.getSetCookie()) this.#keep(set);
    return response;
  }

  #keep(set: string): void {
    this.lastSetCookie = set;
    const [pair = ''] = set.split(';');
    const name = pair.split('=', 1)[0] ?? '';
    if (/Max-Age=0(;|$)/.test(set)) this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(name.length + 1));
  }
}
