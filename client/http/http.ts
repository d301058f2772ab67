import createClient, { type Client } from 'openapi-fetch';
import { CcDockerError } from '../error.ts';
import type { paths } from '../generated/openapi.ts';
import type { Problem } from '../types.ts';
import { backoffMs, delay, type Backoff } from './backoff.ts';
import { errorFrom, notJson, unreachable } from './problem.ts';

/** `fetch`, or what does the same. */
export type Fetch = (request: Request) => Promise<Response>;
/** A token, or what gives one: it is asked before each call, so that one that has expired can be replaced. */
export type Token = string | (() => string | Promise<string>);

export interface HttpOptions {
  readonly url: string;
  /** undefined: the browser's session, for a page of the service itself. */
  readonly token: Token | undefined;
  /** The key of this page, to which the browser's session is bound. */
  readonly pageKey: () => string | null;
  readonly fetch: Fetch;
  readonly signal: AbortSignal | undefined;
  readonly retries: number;
  readonly backoff: Backoff;
}

/** Longer than this a call does not wait by itself for what the service calls "later", milliseconds. */
const LONGEST_WAIT_MS = 30_000;
/** Twice is as once. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']);
const IDEMPOTENCY_KEY = 'idempotency-key';
/** A call with it counts as its browser's session. No page of another origin can send it, or knows what is in it (docs/console.md). */
const BY_COOKIE = 'x-cc-docker-console';

/** A key with which a call that creates something may be repeated. (`crypto.randomUUID` is not there on a page without TLS.) */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The calls: with the token, tried again where that is safe, and with errors by their codes. */
export class Http {
  /** Of the service, without a trailing slash. */
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  readonly backoff: Backoff;
  /** The calls whose answer is JSON, typed by the API's document (https://openapi-ts.dev/openapi-fetch/). */
  readonly api: Client<paths>;
  /** The same for every call: an answer may be what its caller parses. */
  readonly anyApi: Client<paths>;
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.url = options.url.replace(/\/+$/, '');
    this.signal = options.signal;
    this.backoff = options.backoff;
    const baseUrl = this.url;
    this.api = createClient<paths>({ baseUrl, fetch: (request) => this.send(request) });
    this.anyApi = createClient<paths>({ baseUrl, fetch: (request) => this.send(request, { answer: 'any' }) });
  }

  /** What says who calls: the token as it is now, or that the browser's cookie counts. */
  async authorization(): Promise<Readonly<Record<string, string>>> {
    const { token, pageKey } = this.#options;
    if (token === undefined) {
      const key = pageKey();
      return key === null ? {} : { [BY_COOKIE]: key };
    }
    return { authorization: `Bearer ${typeof token === 'string' ? token : await token()}` };
  }

  /** As `send`, for a call that may be repeated though its method does not say so. */
  readonly repeated = (request: Request): Promise<Response> => this.send(request, { repeatable: true });

  /**
   * Makes a call, with the token. Tries it again when the service was not reached, if twice is as once, and when it says "later".
   *
   * @returns the answer, also one that refuses; with all its bytes, unless it is a stream
   * @throws CcDockerError `unreachable`
   * @throws the signal's reason
   */
  async send(request: Request | (() => Request), options: SendOptions = {}): Promise<Response> {
    const { repeatable, answer = 'json', retries = this.#options.retries } = options;
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= retries;
      const next = typeof request === 'function' ? request() : last ? request : request.clone();
      // A clone has a signal of its own, which only follows.
      const origin = typeof request === 'function' ? next : request;
      const signal = anySignal(origin.signal, this.signal);
      const mayRepeat = repeatable ?? (REPEATABLE.has(next.method) || next.headers.has(IDEMPOTENCY_KEY));
      signal?.throwIfAborted();
      options.onTry?.();
      const sent = new Request(next, signal === undefined ? {} : { signal });
      for (const [name, value] of Object.entries(await this.authorization())) sent.headers.set(name, value);
      let failure: CcDockerError;
      const requests = [origin, sent];
      underway.add(requests);
      try {
        const { fetch = this.#options.fetch } = options;
        const response = await fetch(sent);
        if (response.ok) {
          if (answer !== 'stream') return await whole(response, answer);
          keptWith.set(response.body ?? response, requests);
          return response;
        }
        const refused = await whole(response, 'text');
        failure = errorFrom(refused, await refused.clone().text());
        // Whatever else is answered, something may have been done.
        const isSafe = mayRepeat || refused.status === TOO_MANY;
        if (last || !isSafe || !failure.retryable || (failure.retryAfterMs ?? 0) > LONGEST_WAIT_MS) return refused;
      } catch (error) {
        signal?.throwIfAborted();
        failure = error instanceof SyntaxError ? notJson(this.url, error) : unreachable(this.url, error);
        if (last || !mayRepeat) throw failure;
      } finally {
        underway.delete(requests);
      }
      await delay(Math.max(failure.retryAfterMs ?? 0, backoffMs(attempt, this.backoff, Math.random())), signal);
    }
  }

  /**
   * A call whose body or answer is not JSON.
   *
   * @param path from `/api/v1` on, encoded
   * @param init a function makes it anew for each try
   * @throws CcDockerError when it is refused
   */
  async raw(path: string, init: RequestInit | (() => RequestInit) = {}, options: SendOptions = {}): Promise<Response> {
    const make = typeof init === 'function' ? init : () => init;
    const response = await this.send(() => new Request(`${this.url}${path}`, make()), { answer: 'stream', ...options });
    if (!response.ok) throw errorFrom(response, await response.text());
    return response;
  }

  /** Deletes. @param gone what the service says when it is not there: so it is, when the first try's answer was lost */
  async remove(path: string, gone: Problem['code'], init: RequestInit): Promise<void> {
    let tries = 0;
    try {
      await this.raw(path, { ...init, method: 'DELETE' }, { answer: 'text', onTry: () => (tries += 1) });
    } catch (error) {
      if (!(error instanceof CcDockerError) || error.code !== gone || tries < 2) throw error;
    }
  }
}

/**
 * Node.js follows the signal of a `Request` by a weak reference. Once the `Request` is collected, an abort of the signal reaches nobody,
 * and the call waits for ever (seen with 20 and 24). So the requests are kept: of a call that is under way, and with an answer that is
 * read as it comes.
 */
const underway = new Set<readonly Request[]>();
const keptWith = new WeakMap<object, readonly Request[]>();

export interface SendOptions {
  /** Twice is as once. Default: by its method, and by an `Idempotency-Key`. */
  readonly repeatable?: boolean;
  /**
   * What its answer's body is. It is whole, or the call has failed; only `stream` is read as it comes, and what breaks there
   * breaks the reader. Default: `json`. `any`: JSON or not.
   */
  readonly answer?: 'json' | 'any' | 'text' | 'stream';
  /** How often it may be tried again. */
  readonly retries?: number;
  /** In place of the client's `fetch`. */
  readonly fetch?: Fetch;
  /** It is tried now. */
  readonly onTry?: () => void;
}

/** An answer with all its bytes: what breaks on the way there belongs to the call. */
async function whole(response: Response, kind: 'json' | 'any' | 'text'): Promise<Response> {
  const { status, statusText, headers } = response;
  const bytes = await response.arrayBuffer();
  // Over plain HTTP, Chromium takes an answer that broke within its headers for one with fewer of them, and without a body.
  const isJson = kind === 'json' || (kind === 'any' && /json|^$/.test(headers.get('content-type') ?? ''));
  if (isJson && status !== NO_CONTENT) JSON.parse(new TextDecoder().decode(bytes));
  return new Response(bytes.byteLength === 0 ? null : bytes, { status, statusText, headers });
}
const NO_CONTENT = 204;
const TOO_MANY = 429;

/**
 * What a call of `api` gives.
 *
 * @throws CcDockerError when it is refused
 */
export async function unwrap<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch((thrown: unknown) => {
    throw thrown instanceof SyntaxError ? notJson('The service', thrown) : thrown;
  });
  if (!response.ok) throw errorFrom(response, error);
  // Of a call without an answer, `T` is `undefined`.
  return data as T;
}

/** Aborts as soon as one of them does; undefined: none of them ever will. */
export function anySignal(...signals: readonly (AbortSignal | null | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== null && signal !== undefined);
  return given.length < 2 ? given[0] : AbortSignal.any(given);
}
