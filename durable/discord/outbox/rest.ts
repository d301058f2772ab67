import { discordErrorBody } from '../../../protocol/api/discord.ts';
import { VERSION } from '../../../protocol/version.ts';
import { parseJson } from '../../shared/json.ts';
import {
  answered,
  type LimitedAnswer,
  type LimitScope,
  mayGoAt,
  NO_LIMITS,
  refusalOf,
  sent,
  type RateLimits,
} from '../core/wire/rate-limit.ts';
import type { DiscordRequest } from '../core/wire/requests.ts';

/** How long Discord may take to answer, milliseconds. */
export const ANSWER_MS = 10_000;
/** An upload may take so many times longer. */
const UPLOAD_TIMES = 6;
/** How much of Discord's explanation of a refusal is kept, characters. */
const MAX_DETAIL = 500;

/** The outcome of one request. */
export type DiscordOutcome =
  /** `body`: its JSON; null: none. */
  | { readonly is: 'ok'; readonly body: unknown }
  /** It was not sent, or was refused by a rate limit: not before `until`, epoch milliseconds. */
  | { readonly is: 'rate_limited'; readonly until: number; readonly scope: LimitScope | 'known' }
  /** Its channel, message or interaction does not exist any more, and will not come back. */
  | { readonly is: 'gone'; readonly what: Gone; readonly detail: string }
  /** It is invalid, or not allowed: the same request would be refused again. `code`: Discord's own; null: none. */
  | { readonly is: 'refused'; readonly status: number; readonly code: number | null; readonly detail: string }
  /** Discord failed, or could not be reached. The request may have had its effect all the same. */
  | { readonly is: 'failed'; readonly detail: string };

/**
 * `token`: the interaction's 15 minutes are over. `webhook`: the token leads to nothing; perhaps not yet, if the first
 * answer was sent just now.
 */
export type Gone = 'channel' | 'message' | 'token' | 'webhook' | 'other';

export type DiscordFetch = (url: string, init: RequestInit) => Promise<Response>;

export interface DiscordRestOptions {
  readonly fetch: DiscordFetch;
  /** `DISCORD_API_BASE_URL`. */
  readonly baseUrl: string;
  readonly botToken: string;
  /** `DISCORD_APPLICATION_ID`; null: unknown. */
  readonly applicationId?: string | null;
  readonly now?: () => number;
  readonly timeoutMs?: number;
}

/** Discord's codes for what does not exist any more; discord.com/developers/docs/topics/opcodes-and-status-codes. */
const GONE: Readonly<Record<number, Gone>> = {
  10003: 'channel',
  10008: 'message',
  10015: 'webhook',
  10062: 'token',
  50027: 'token',
};

/**
 * Sends requests to Discord, each once, several at a time if asked to. It never waits for a rate limit: it says when
 * the request may be sent.
 */
export class DiscordRest {
  readonly #options: DiscordRestOptions;
  readonly #now: () => number;
  #limits: RateLimits = NO_LIMITS;

  constructor(options: DiscordRestOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** When the request may be sent, epoch milliseconds. A time in the past means now. */
  mayGoAt(request: DiscordRequest): number {
    return mayGoAt(this.#limits, request);
  }

  async send(request: DiscordRequest): Promise<DiscordOutcome> {
    const until = this.mayGoAt(request);
    if (until > this.#now()) return { is: 'rate_limited', until, scope: 'known' };
    this.#limits = sent(this.#limits, request);
    const { fetch, baseUrl, timeoutMs = ANSWER_MS } = this.#options;
    let answer: { readonly response: Response; readonly text: string };
    try {
      const signal = AbortSignal.timeout(request.file === null ? timeoutMs : timeoutMs * UPLOAD_TIMES);
      // A redirect would take the bot's token elsewhere.
      const response = await fetch(baseUrl + request.path, { ...this.#init(request), redirect: 'manual', signal });
      answer = { response, text: await response.text() };
    } catch (error) {
      return { is: 'failed', detail: `Discord did not answer: ${this.#clean(error, request)}` };
    }
    return this.#read(request, answer.response, answer.text);
  }

  #init({ method, body, file, by }: DiscordRequest): RequestInit {
    const headers: Record<string, string> = {
      'user-agent': userAgent(this.#options.applicationId ?? null),
      ...(by === 'bot' ? { authorization: `Bot ${this.#options.botToken}` } : {}),
    };
    if (file !== null) {
      const form = new FormData();
      form.set('payload_json', JSON.stringify({ ...body, attachments: [{ id: 0, filename: file.name }] }));
      form.set('files[0]', new Blob([file.text], { type: 'text/plain; charset=utf-8' }), file.name);
      return { method, headers, body: form };
    }
    if (body === null) return { method, headers };
    return { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }

  #read(request: DiscordRequest, { status, headers }: Response, text: string): DiscordOutcome {
    const now = this.#now();
    const body = parseJson(text);
    const said = discordErrorBody.safeParse(body);
    const limited: LimitedAnswer = { status, headers, body: said.success ? said.data : null };
    this.#limits = answered(this.#limits, request, limited, now);

    if (status === 204) return { is: 'ok', body: null };
    if (status >= 200 && status < 300) {
      // Not Discord's own answer: Discord answers in JSON.
      if (body === undefined) return { is: 'failed', detail: `Discord answered ${status}, but not with JSON.` };
      return { is: 'ok', body };
    }
    const refusal = refusalOf(limited, now);
    if (refusal !== null) return { is: 'rate_limited', ...refusal };
    const code = said.success ? (said.data.code ?? null) : null;
    const detail = this.#clean(said.success ? describe(said.data) : '', request);
    if (status >= 500 || status === 408 || (status >= 300 && status < 400)) {
      return { is: 'failed', detail: `Discord answered ${status}. ${detail}`.trim() };
    }
    const what = GONE[code ?? 0];
    if (what !== undefined || status === 404) return { is: 'gone', what: what ?? 'other', detail };
    return { is: 'refused', status, code, detail };
  }

  /** Removes the tokens from a text, wherever it comes from. */
  #clean(said: unknown, { path, by }: DiscordRequest): string {
    const text = said instanceof Error ? `${said.message}${causeOf(said)}` : String(said);
    const [, , , token = ''] = by === 'token' ? path.split('/') : [];
    const secrets = [this.#options.botToken, token].filter((secret) => secret !== '');
    return secrets.reduce((clean, secret) => clean.replaceAll(secret, '[token]'), text).slice(0, MAX_DETAIL);
  }
}

/**
 * Discord refuses a user agent that is not `DiscordBot ($url, $version)` (discord.com/developers/docs/reference, "User
 * Agent"). CC-Docker has no page of its own, so the URL is where this bot can be installed, or else where bots are
 * made.
 */
function userAgent(applicationId: string | null): string {
  const page = applicationId === null ? 'developers/applications' : `oauth2/authorize?client_id=${applicationId}`;
  return `DiscordBot (https://discord.com/${page}, ${VERSION}) CC-Docker/${VERSION}`;
}

/** Node's `fetch` says only that it failed. The reason is in the cause. */
function causeOf({ cause }: Error): string {
  if (!(cause instanceof Error)) return '';
  // An address with several failed attempts has several errors, and only a code for all of them.
  return ` (${cause.message === '' && 'code' in cause ? String(cause.code) : cause.message})`;
}

/** Discord's sentence, and the fields that it does not accept. */
function describe({
  code,
  message,
  errors,
}: {
  code?: number | undefined;
  message?: string | undefined;
  errors?: unknown;
}): string {
  const where = errors === undefined ? '' : ` ${JSON.stringify(errors)}`;
  return `${message ?? 'No reason given.'}${code === undefined ? '' : ` (${code})`}${where}`;
}
