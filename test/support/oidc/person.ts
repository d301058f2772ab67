/** The pages of `oidc-provider` that a person acts on: a form, and a link that goes back without signing in. */
const FORM = /action="([^"]+)"/;
const PROMPT = /name="prompt" value="(\w+)"/;
const ABORT = /href="([^"]+\/abort)"/;

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

/** Somebody's browser that goes by addresses and forms: it keeps cookies, by host and port, and follows what it is sent to. */
export class Person {
  readonly jar = new Map<string, Map<string, string>>();
  /** The addresses that it was at, in order. */
  readonly visited: string[] = [];
  /** All cookies that it was given, as they were written. */
  readonly given: string[] = [];

  /** Goes to an address, and on to where it is sent; to the last that `stop` says nothing of, whose address is the page's. */
  async go(url: string, stop: (url: string) => boolean = () => false, init: RequestInit = {}): Promise<Page> {
    const { host, href } = new URL(url);
    if (stop(href)) return { url: href, status: 0, text: '' };
    this.visited.push(href);
    const jar = this.jar.get(host) ?? new Map<string, string>();
    this.jar.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), cookie };
    const answer = await fetch(href, { ...init, headers, redirect: 'manual' });
    for (const set of answer.headers.getSetCookie()) this.#keep(jar, set);
    const to = answer.headers.get('location');
    if (to !== null) return await this.go(new URL(to, href).href, stop);
    return { url: href, status: answer.status, text: await answer.text() };
  }

  /** Signs in with the provider under this name, as far as the address that `stop` names. */
  async signIn(start: string, name: string, stop?: (url: string) => boolean): Promise<Page> {
    let page = await this.go(start, stop);
    for (let form = FORM.exec(page.text)?.[1]; form !== undefined; form = FORM.exec(page.text)?.[1]) {
      const body = new URLSearchParams({ prompt: PROMPT.exec(page.text)?.[1] ?? '', login: name, password: 'any' });
      page = await this.go(new URL(form, page.url).href, stop, { method: 'POST', body });
    }
    return page;
  }

  /** Goes to the provider, and back without signing in. */
  async refuse(start: string): Promise<Page> {
    const page = await this.go(start);
    return await this.go(new URL(ABORT.exec(page.text)?.[1] ?? '', page.url).href);
  }

  #keep(jar: Map<string, string>, set: string): void {
    this.given.push(set);
    const [pair = ''] = set.split(';');
    const at = pair.indexOf('=');
    if (/max-age=0(;|$)|expires=Thu, 01 Jan 1970/i.test(set)) jar.delete(pair.slice(0, at));
    else jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
}
