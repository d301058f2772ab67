import { discordErrorBody } from '../../../protocol/api/discord.ts';
import { VERSION } from '../../../protocol/version.ts';
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
/** A file takes so many times longer. */
const UPLOAD_TIMES = 6;
/** Of what Discord says to a refusal, characters. */
const MAX_DETAIL = 500;

/** What came of one request. */
export type DiscordOutcome =
  /** `body`: its JSON; null: it has none. */
  | { readonly is: 'ok'; readonly body: unknown }
  /** It did not go, or was sent back: not before `until`, epoch milliseconds. */
  | { readonly is: 'rate_limited'; readonly until: number; readonly scope: LimitScope | 'known' }
  /** What it was for is no longer there: it will not come back. */
  | { readonly is: 'gone'; readonly what: Gone; readonly detail: string }
  /** Not as Discord takes it, or not allowed: the same again would be refused again. `code`: Discord's own; null: it said none. */
  | { readonly is: 'refused'; readonly status: number; readonly code: number | null; readonly detail: string }
  /** Discord failed, or could not be reached; it may have been done all the same. */
  | { readonly is: 'failed'; readonly detail: string };

/** `token`: of an interaction, after its 15 minutes. `webhook`: behind that token there is nothing; not yet, if its answer has only just gone. */
export type Gone = 'channel' | 'message' | 'token' | 'webhook' | 'other';

export type DiscordFetch = (url: string, init: RequestInit) => Promise<Response>;

export interface DiscordRestOptions {
  readonly fetch: DiscordFetch;
  /** `DISCORD_API_BASE_URL`. */
  readonly baseUrl: string;
  readonly botToken: string;
  /** `DISCORD_APPLICATION_ID`; null: it is not known. */
  readonly applicationId?: string | null;
  readonly now?: () => number;
  readonly timeoutMs?: number;
}

/** What Discord's codes say is no longer there; discord.com/developers/docs/topics/opcodes-and-status-codes. */
const GONE: Readonly<Record<number, Gone>> = {
  10003: 'channel',
  10008: 'message',
  10015: 'webhook',
  10062: 'token',
  50027: 'token',
};

/** Sends requests to Discord, one at a time or several, each once. It does not wait: it says when a request may go. */
export class DiscordRest {
  readonly #options: DiscordRestOptions;
  readonly #now: () => number;
  #limits: RateLimits = NO_LIMITS;

  constructor(options: DiscordRestOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** When the request may go, epoch milliseconds; at once, if that is not after now. */
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
      // Redirects would take the bot's token elsewhere.
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
    const body = parse(text);
    const said = discordErrorBody.safeParse(body);
    const limited: LimitedAnswer = { status, headers, body: said.success ? said.data : null };
    this.#limits = answered(this.#limits, request, limited, now);

    if (status === 204) return { is: 'ok', body: null };
    if (status >= 200 && status < 300) {
      // Somebody in between: what Discord does it says in JSON.
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

  /** Without the tokens, whichever way they came into it. */
  #clean(said: unknown, { path, by }: DiscordRequest): string {
    const text = said instanceof Error ? `${said.message}${causeOf(said)}` : String(said);
    const [, , , token = ''] = by === 'token' ? path.split('/') : [];
    const secrets = [this.#options.botToken, token].filter((secret) => secret !== '');
    return secrets.reduce((clean, secret) => clean.replaceAll(secret, '[token]'), text).slice(0, MAX_DETAIL);
  }
}

/**
 * Discord refuses any that is not `DiscordBot ($url, $version)` (discord.com/developers/docs/reference, "User Agent"). CC-Docker has no page of its
 * own: the URL is where this very bot can be had, or else where bots are made.
 */
function userAgent(applicationId: string | null): string {
  const page = applicationId === null ? 'developers/applications' : `oauth2/authorize?client_id=${applicationId}`;
  return `DiscordBot (https://discord.com/${page}, ${VERSION}) CC-Docker/${VERSION}`;
}

/** Node's `fetch` says no more than that it failed: why is in the cause. */
function causeOf({ cause }: Error): string {
  if (!(cause instanceof Error)) return '';
  // Of several addresses, each with an error of its own, there is a code alone.
  return ` (${cause.message === '' && 'code' in cause ? String(cause.code) : cause.message})`;
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    // A page of a proxy between here and Discord.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Discord's sentence, and which field it does not take. */
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
