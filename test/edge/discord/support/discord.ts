import type { APIUser } from 'discord-api-types/v10';
import { Buckets } from '../../../support/discord/buckets.ts';
import { answerBody, editBody, messageBody, threadBody } from '../../../support/discord/rules.ts';
import { type DiscordError, isError, refuse, World } from '../../../support/discord/world.ts';

export const T0 = Date.parse('2026-11-22T12:00:00Z');
/** The bot, whose application has its id. */
export const BOT: APIUser = {
  id: '7',
  username: 'claude',
  discriminator: '0',
  global_name: null,
  avatar: null,
  bot: true,
};

/** `elsewhere`: something else answers. `lost`: it does what it is asked, and the answer does not arrive. `hangs`: nor does it do it. */
export type Fault = 'none' | 'down' | 'lost' | 'hangs' | 'unauthorized' | 'forbidden' | 'elsewhere';

export interface Went {
  readonly at: number;
  readonly request: string;
  readonly status: number | null;
}

/** A Discord that has the stand-in's rules, in the same process, and a clock for it. */
export class FakeDiscord {
  readonly world: World;
  readonly buckets: Buckets;
  readonly channel: string;
  readonly went: Went[] = [];
  now = T0;
  fault: Fault = 'none';
  /** Requests (a line such as `POST /channels/1/messages`, and their JSON) that it refuses, and how. */
  refuses: { readonly what: RegExp; readonly with: DiscordError } | null = null;
  /** What interactions were answered by their tokens: an edit of the first answer, or a further message. */
  readonly answers: { readonly by: string; readonly content: string; readonly flags: number }[] = [];
  /** Whether tokens are good still. */
  takesTokens = false;
  /** Whether Discord has the first answers already, without which there are no further ones. */
  hasAnswers = true;
  /** Requests under way at once, at most. */
  mostUnderWay = 0;
  #underWay = 0;

  constructor() {
    this.world = new World(() => this.now);
    this.buckets = new Buckets(() => this.now);
    this.channel = this.world.addChannel('agents');
  }

  /** What a person reads there. */
  read(channel = this.channel): string[] {
    return (this.world.shown(channel) ?? []).map(({ content }) => content);
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname: whole, searchParams } = new URL(url);
    const pathname = whole.replace(/^\/api(?=\/)/, '');
    const { method = 'GET' } = init;
    this.#underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
    const note = (status: number | null) =>
      this.went.push({ at: this.now - T0, request: `${method} ${pathname}`, status });
    try {
      await Promise.resolve();
      if (this.fault === 'hangs') return await new Promise<never>(() => {});
      if (this.fault === 'down') throw new TypeError('no connection');
      const { status, body, headers } = this.#answer(method, pathname, searchParams, init.body);
      note(this.fault === 'lost' ? null : status);
      if (this.fault === 'lost') throw new TypeError('the connection was lost');
      return Response.json(body, { status, headers });
    } finally {
      this.#underWay -= 1;
    }
  }

  #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    sent: RequestInit['body'],
  ): { status: number; body: object; headers: Record<string, string> } {
    if (this.fault === 'unauthorized') return { ...refuse(401, 0, '401: Unauthorized'), headers: {} };
    if (this.fault === 'elsewhere') return { status: 404, body: { error: 'no such page' }, headers: {} };
    if (this.fault === 'forbidden') return { ...refuse(403, 50_013, 'Missing Permissions'), headers: {} };
    const asked = `${method} ${path}\n${typeof sent === 'string' ? sent : ''}`;
    if (this.refuses?.what.test(asked) === true) return { ...this.refuses.with, headers: {} };
    const [, resource, id = '', what = '', message = '', more] = path.split('/');
    const shape = [method, ...path.split('/').slice(1)].map((part) => (/^\d+$/.test(part) ? ':id' : part));
    const { headers, refused } = this.buckets.take(`${shape[0]} /${shape.slice(1).join('/')}`, id, true);
    if (refused !== null) return { status: 429, body: refused.body, headers };
    const form = sent instanceof FormData ? sent.get('payload_json') : (sent ?? '{}');
    const json: unknown = JSON.parse(typeof form === 'string' ? form : '');
    const files = sent instanceof FormData ? [{ id: '0', name: 'file', text: 'file' }] : [];
    const made = () => {
      if (resource === 'webhooks') {
        if (!this.takesTokens) return refuse(401, 50_027, 'Invalid Webhook Token');
        if (!this.hasAnswers) return refuse(404, 10_015, 'Unknown Webhook');
        const { content, flags } = (method === 'PATCH' ? editBody : answerBody).parse(json);
        this.answers.push({ by: method, content: content ?? '', flags: flags ?? 0 });
        return { id: this.world.snowflake() };
      }
      if (method === 'PATCH' && what === '') return this.world.openAgain(id);
      if (what === 'threads') return this.world.startThread(id, null, threadBody.parse(json).name);
      if (more === 'threads') return this.world.startThread(id, message, threadBody.parse(json).name);
      if (method === 'GET') return this.world.listAfter(id, query.get('after') ?? '0', Number(query.get('limit')));
      return method === 'POST'
        ? this.world.post(id, BOT, messageBody.parse(json), { files })
        : this.world.edit(id, message, editBody.parse(json), files);
    };
    const answer = made();
    return isError(answer) ? { ...answer, headers } : { status: 200, body: answer, headers };
  }
}
