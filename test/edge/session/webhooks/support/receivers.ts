import { env } from 'cloudflare:test';
import { expect } from 'vitest';
import type { Recorded } from '../../../../support/chats/recorded-posts.ts';

/** A receiver of this test alone. @param kind `slack`, `ntfy`, `telegram`; else it takes anything */
export class HookHost {
  readonly host: string;

  constructor(kind = 'any') {
    this.host = `${kind}.${crypto.randomUUID()}.example`;
  }

  get url(): string {
    return `https://${this.host}/hook`;
  }

  /** What it has got, the oldest first. */
  async posts(): Promise<Recorded[]> {
    return await (await HookHost.#fetch(`https://${this.host}/`)).json<Recorded[]>();
  }

  /** The bodies of what it has got, which are JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
  async bodies(): Promise<any[]> {
    return (await this.posts()).map(({ body }) => JSON.parse(body));
  }

  async types(): Promise<string[]> {
    return (await this.bodies()).map(({ type }) => type);
  }

  /** It will answer with these statuses, in order. */
  async answers(...statuses: number[]): Promise<void> {
    const body = JSON.stringify(statuses);
    expect((await HookHost.#fetch(`https://${this.host}/`, { method: 'PUT', body })).status).toBe(200);
  }

  static async #fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { WEBHOOKS } = env;
    if (WEBHOOKS === undefined) throw new Error('vitest.config.ts binds it');
    return await WEBHOOKS.fetch(url, init);
  }
}
