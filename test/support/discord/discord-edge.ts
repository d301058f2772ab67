import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { WORKER_BUNDLE } from '../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../start/edge/edge.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import type { Person, Reply, Sent } from './person.ts';
import { until } from '../until.ts';
import { DiscordStandIn } from './stand-in.ts';
import type { Shown } from './world.ts';

const SECRET = 'of these tests, and of no use elsewhere';

export interface Called {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
  readonly body: any;
}

/** The edge alone, with the stand-in as its Discord: sessions wait for a runner that does not come. */
export class DiscordEdge {
  readonly discord: DiscordStandIn;
  readonly channel: string;
  readonly #folder: string;
  readonly #vars: Record<string, string>;
  /** The same after a restart. */
  #port = 0;
  #edge: Edge | null = null;

  private constructor(
    discord: DiscordStandIn,
    { folder, vars, channel }: { folder: string; vars: Record<string, string>; channel: string },
  ) {
    this.discord = discord;
    this.channel = channel;
    this.#folder = folder;
    this.#vars = vars;
  }

  /** @param vars beside those with which it speaks to the stand-in; `discord: false`: it knows nothing of that one */
  static async start(vars: Record<string, string> = {}, discord = true): Promise<DiscordEdge> {
    const standIn = await DiscordStandIn.start();
    const channel = standIn.world.addChannel('agents');
    const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-discord-'));
    const all = { JWT_SECRET: SECRET, ...(discord ? standIn.settings(channel) : {}), ...vars };
    const scene = new DiscordEdge(standIn, { folder, vars: all, channel });
    await scene.begin();
    return scene;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/api/v1`;
  }

  async begin(): Promise<void> {
    this.#edge = await startEdge({
      worker: WORKER_BUNDLE,
      host: '127.0.0.1',
      port: this.#port,
      stateFolder: path.join(this.#folder, 'state'),
      vars: this.#vars,
    });
    this.#port = Number(new URL(this.#edge.url).port);
  }

  /** The process ends, with all that was under way. */
  async end(): Promise<void> {
    await this.#edge?.stop();
    this.#edge = null;
  }

  async stop(): Promise<void> {
    await this.end();
    await this.discord.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  person(name: string, roles: readonly string[] = []): Person {
    return this.discord.person(`${this.url}/discord/interactions`, name, roles);
  }

  /** Somebody whose account is linked. */
  async linked(name: string, owner: string, roles: readonly string[] = []): Promise<Person> {
    const person = this.person(name, roles);
    const { body } = await this.call(owner, 'POST', '/discord/link');
    expect(said(await person.command(this.channel, 'link', { code: body.code }))).toContain(owner);
    return person;
  }

  async call(
    owner: string,
    method: string,
    route: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Called> {
    const token = await mintToken(SECRET, { kind: 'user', sub: owner, ttlSeconds: 600 });
    const response = await fetch(this.url + route, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  /** As Discord does it, whatever it is. */
  async deliver({ headers, body }: Sent): Promise<Called> {
    const response = await fetch(`${this.url}/discord/interactions`, { method: 'POST', headers, body });
    return { status: response.status, body: await response.json() };
  }

  /** What the audit log has of somebody, the newest first. */
  async audited(actor: string): Promise<{ action: string; target: string; detail: string | null }[]> {
    const token = await mintToken(SECRET, { kind: 'user', sub: 'admin', ttlSeconds: 600, scope: 'admin' });
    const headers = { authorization: `Bearer ${token}` };
    const { body } = await this.call(actor, 'GET', `/audit?actor=${encodeURIComponent(actor)}`, undefined, headers);
    return body.data;
  }

  async sessions(owner: string): Promise<string[]> {
    const { body } = await this.call(owner, 'GET', '/sessions');
    return body.data.map(({ session_id }: { session_id: string }) => session_id);
  }

  /** The newest message there that fits, once there is one. */
  async message(fits: (shown: Shown) => boolean, place = this.channel): Promise<Shown> {
    return await until(() => {
      const all = this.discord.messages(place);
      const found = all.findLast(fits);
      if (found === undefined) throw new Error(`no such message; there are: ${JSON.stringify(all, null, 1)}`);
      return found;
    });
  }

  /** What the command was answered with, once Discord has it. */
  async answer(reply: Reply): Promise<string> {
    expect(reply).toMatchObject({ fault: null });
    return await until(() => {
      const shown = reply.message();
      if (shown === null || shown.isLoading) throw new Error('it is not answered yet');
      return shown.content;
    });
  }
}

/** What was answered at once. */
export function said(reply: Reply): string {
  if (reply.fault !== null) throw new Error(reply.fault);
  return reply.message()?.content ?? '';
}

export const saying = (text: string) => (shown: Shown) => shown.content.includes(text);
export const asking = (text: string) => (shown: Shown) => saying(text)(shown) && shown.rows.length > 0;
