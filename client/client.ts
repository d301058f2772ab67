import { signalOf, type CallOptions, type CreatingOptions, type FeedOptions } from './options.ts';
import { anySignal, Http, newKey, unwrap, type Fetch, type Token } from './http/http.ts';
import type { Backoff } from './http/backoff.ts';
import { allPages } from './paging.ts';
import { Session, type SessionContext } from './session.ts';
import type { WebSocketConstructor } from './stream/open-socket.ts';
import { followFeed } from './stream/feed.ts';
import type {
  CreateSessionRequest,
  FeedEvent,
  SessionListQuery,
  SessionSummary,
  WaitingInteraction,
  WaitingQuery,
} from './types.ts';

export interface CcDockerOptions {
  /** Of the service, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /**
   * A user's token, or a function that gives one. It is asked before each call and each connection. Without it, a page of the
   * service itself calls as the one who is signed in to the browser.
   */
  readonly token?: Token;
  /**
   * For a page of the service itself, without `token`: the key with which somebody has signed in here (docs/console.md); null: nobody has.
   * Default: `1`.
   */
  readonly pageKey?: () => string | null;
  /** Default: the runtime's. */
  readonly fetch?: Fetch;
  /** Default: the runtime's. In Node.js, Deno and Bun it is given headers, as `ws` takes them too. */
  readonly WebSocket?: WebSocketConstructor;
  /** Ends everything that the client does. */
  readonly signal?: AbortSignal;
  /** How often a call is tried again, when that is safe. Streams are tried again for ever. Default: 3. */
  readonly retries?: number;
  /** How long to wait between attempts. Default: 200 ms to 10 s. */
  readonly backoff?: Backoff;
  /** A stream on which nothing has come for this long is opened again, milliseconds. Default: 75 s. The service says something every 45 s. */
  readonly silenceMs?: number;
}

/**
 * A client of CC-Docker's API.
 *
 * ```ts
 * const cc = new CcDocker({ url, token });
 * const session = await cc.sessions.create({ config: { model: 'sonnet-4' } });
 * const { text } = await session.ask('What is in this folder?');
 * ```
 */
export class CcDocker {
  readonly sessions: Sessions;
  readonly #context: SessionContext;

  constructor(options: CcDockerOptions) {
    const {
      url,
      token,
      pageKey = () => '1',
      fetch,
      WebSocket,
      signal,
      retries = 3,
      backoff = BACKOFF,
      silenceMs = 75_000,
    } = options;
    const http = new Http({
      url,
      token,
      pageKey,
      fetch: fetch ?? globalThis.fetch.bind(globalThis),
      signal,
      retries,
      backoff,
    });
    this.#context = { http, WebSocket: WebSocket ?? globalThis.WebSocket, silenceMs };
    this.sessions = new Sessions(this.#context);
  }

  /** Every call of the API, typed by its document: `unwrap(cc.api.GET('/api/v1/storage'))` (https://openapi-ts.dev/openapi-fetch/). */
  get api(): Http['api'] {
    return this.#context.http.anyApi;
  }

  /** What waits for you in all sessions, the oldest first. */
  interactions({ signal, ...query }: WaitingQuery & CallOptions = {}): AsyncGenerator<WaitingInteraction, void> {
    return allPages(async (cursor) => {
      const params = { query: { limit: 200, ...query, ...(cursor !== undefined && { cursor }) } };
      return await unwrap(this.#context.http.api.GET('/api/v1/interactions', { ...signalOf({ signal }), params }));
    });
  }

  /**
   * What changes in the list of sessions and in what waits for you, for ever: from the cursor 0 on, first all that there is and then
   * `feed.live`. Connections that break are opened again.
   *
   * @throws CcDockerError when nothing more can come: the token is refused
   * @throws the signal's reason
   */
  feed({ after = 0, signal, onReconnect, onConnect }: FeedOptions = {}): AsyncGenerator<FeedEvent, never> {
    const { http } = this.#context;
    const { backoff } = http;
    return followFeed(this.#context, {
      after,
      backoff,
      signal: anySignal(signal, http.signal),
      onReconnect,
      onConnect,
    });
  }

  /** A session by its id. Nothing is asked. */
  session(id: string): Session {
    return new Session(this.#context, id);
  }
}

const BACKOFF: Backoff = { minMs: 200, maxMs: 10_000 };

/** An owner's sessions. */
class Sessions {
  readonly #context: SessionContext;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Begins one. It takes messages at once. It is begun once, however often the network fails. */
  async create(request: CreateSessionRequest = {}, options: CreatingOptions = {}): Promise<Session> {
    const { idempotencyKey = newKey() } = options;
    const created = await unwrap(
      this.#context.http.api.POST('/api/v1/sessions', {
        ...signalOf(options),
        params: { header: { 'idempotency-key': idempotencyKey } },
        body: request,
      }),
    );
    return new Session(this.#context, created.session_id);
  }

  /** One by its id. @throws CcDockerError `session_not_found` */
  async get(id: string, options: CallOptions = {}): Promise<Session> {
    const session = new Session(this.#context, id);
    await session.show(options);
    return session;
  }

  /** All of them, the newest first. */
  list({ signal, ...query }: SessionListQuery & CallOptions = {}): AsyncGenerator<SessionSummary, void> {
    return allPages(async (cursor) => {
      const params = { query: { limit: 200, ...query, ...(cursor !== undefined && { cursor }) } };
      return await unwrap(this.#context.http.api.GET('/api/v1/sessions', { ...signalOf({ signal }), params }));
    });
  }
}
