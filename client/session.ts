import { ask, settled, type AskOptions, type Asked, type SettleOptions } from './ask.ts';
import {
  signalOf,
  type CallOptions,
  type CreatingOptions,
  type EventPageOptions,
  type EventPlace,
  type EventsOptions,
  type SendOptions,
} from './options.ts';
import type { EventPage, PreviewEvent, SessionEvent } from './event.ts';
import { SessionFiles } from './files.ts';
import { anySignal, newKey, unwrap, type Http } from './http/http.ts';
import type { UploadBody, UploadOptions } from './http/upload.ts';
import { all, allPages } from './paging.ts';
import { sessionPath } from './stream/connection.ts';
import { follow } from './stream/follow.ts';
import { connectEventStream } from './stream/sse.ts';
import type { WebSocketConstructor } from './stream/open-socket.ts';
import { connectWebSocket } from './stream/websocket.ts';
import { SessionTerminal, type TerminalOptions } from './terminal/terminal.ts';
import type {
  Artifact,
  ChangeSessionRequest,
  StoredEventPage,
  ForkRequest,
  InteractionState,
  Interaction,
  InterruptAnswer,
  MessageStatus,
  Message,
  PortList,
  SharedPort,
  SharePortRequest,
  Prompt,
  ResolveRequest,
  SessionSummary,
  Ticket,
  SessionTree,
  SessionView,
  SpawnRequest,
  SpawnedSession,
  StoppedSession,
  Turn,
  Wakeup,
  WrittenFiles,
} from './types.ts';

/** What a session needs of its client. */
export interface SessionContext {
  readonly http: Http;
  readonly WebSocket: WebSocketConstructor;
  readonly silenceMs: number;
}

/**
 * One session. Every method is a call to the service, and throws `CcDockerError` when it is refused. It is longer than 300 lines because
 * the list of calls is.
 */
export class Session {
  readonly id: string;
  readonly files: SessionFiles;
  readonly #context: SessionContext;
  readonly #http: Http;
  readonly #path: { readonly session_id: string };

  constructor(context: SessionContext, id: string) {
    this.id = id;
    this.files = new SessionFiles(context.http, id);
    this.#context = context;
    this.#http = context.http;
    this.#path = { session_id: id };
  }

  /** What it is now. */
  async show(options: CallOptions = {}): Promise<SessionView> {
    return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}', this.#of(options)));
  }

  /** Changes its model, permission mode, title or budget, at once and for good. */
  async change(body: ChangeSessionRequest, options: CallOptions = {}): Promise<SessionView> {
    return await unwrap(this.#http.api.PATCH('/api/v1/sessions/{session_id}', { ...this.#of(options), body }));
  }

  /**
   * Its log after a cursor, and what comes then, for ever: each event once, in order. Connections that break are opened again.
   * `session.gap` says what is no longer stored. Types that this version does not know are given as they are.
   *
   * @throws CcDockerError when nothing more can come: the session is removed (`session_not_found`), or the token is refused
   * @throws the signal's reason
   */
  events(options: EventsOptions & { readonly previews: true }): AsyncGenerator<SessionEvent | PreviewEvent, never>;
  events(options?: EventsOptions & { readonly previews?: false | undefined }): AsyncGenerator<SessionEvent, never>;
  events(
    options: EventsOptions & { readonly previews?: boolean | undefined } = {},
  ): AsyncGenerator<SessionEvent | PreviewEvent, never> {
    const { after = 0, transport = 'websocket', previews = false, signal, onReconnect, onConnect } = options;
    const { http, WebSocket, silenceMs } = this.#context;
    const source = { http, sessionId: this.id, previews, silenceMs };
    const connect = transport === 'sse' ? connectEventStream(source) : connectWebSocket(source, WebSocket);
    const { backoff } = http;
    const ended = anySignal(signal, http.signal);
    return follow(connect, { after, previews, backoff, signal: ended, onReconnect, onConnect });
  }

  /** A page of its log. Without a place: the newest. */
  async page(
    place: EventPlace = { before: Number.MAX_SAFE_INTEGER },
    options: EventPageOptions = {},
  ): Promise<EventPage> {
    const query = new URLSearchParams({ limit: String(options.limit ?? 200) });
    for (const [name, value] of Object.entries(place)) query.set(name, String(value));
    const answer = await this.#http.raw(`${sessionPath(this.id)}/events?${query.toString()}`, signalOf(options), {
      answer: 'json',
    });
    const { data, next_cursor, prev_cursor, last_seq, gap } = (await answer.json()) as StoredEventPage;
    return {
      events: [...(gap === undefined ? [] : [{ type: 'session.gap', data: gap } as const]), ...data] as SessionEvent[],
      next: next_cursor === null ? null : Number(next_cursor),
      previous: prev_cursor === null ? null : Number(prev_cursor),
      last: last_seq,
    };
  }

  /** Sends a message and does not wait for what becomes of it. It is sent once, however often the network fails. */
  async send(prompt: Prompt, options: SendOptions = {}): Promise<{ readonly messageId: string }> {
    const { delivery, timeoutSeconds, idempotencyKey = newKey() } = options;
    const sent = await unwrap(
      this.#http.api.POST('/api/v1/sessions/{session_id}/chat', {
        ...signalOf(options),
        params: { path: this.#path, header: { 'idempotency-key': idempotencyKey } },
        body: {
          prompt,
          stream: true,
          ...(delivery !== undefined && { delivery }),
          ...(timeoutSeconds !== undefined && { timeout_seconds: timeoutSeconds }),
        },
      }),
    );
    return { messageId: sent.message_id };
  }

  /**
   * Sends a message and waits for the answer, as long as it takes.
   *
   * @throws MessageFailed when its turn fails or is interrupted
   */
  async ask(prompt: Prompt, options: AskOptions = {}): Promise<Asked> {
    return await ask(this, prompt, options);
  }

  /** Waits until a message has settled, however it ends: look at its `status`. */
  async settled(messageId: string, options: SettleOptions = {}): Promise<Message> {
    return await settled(this, messageId, options);
  }

  /** One message: its state, and its result once there is one. */
  async message(messageId: string, options: CallOptions = {}): Promise<Message> {
    const params = { path: { ...this.#path, message_id: messageId } };
    const call = { ...signalOf(options), params };
    return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/messages/{message_id}', call));
  }

  /** Its messages, the oldest first. @param options `state: 'queued'`: those that wait */
  messages(options: CallOptions & { readonly state?: MessageStatus } = {}): AsyncGenerator<Message, void> {
    const { state } = options;
    return allPages(async (cursor) => {
      const call = this.#page(options, cursor, state === undefined ? {} : { state });
      return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/messages', call));
    });
  }

  /** Withdraws a message whose turn has not begun. */
  async withdraw(messageId: string, options: CallOptions = {}): Promise<Message> {
    const params = { path: { ...this.#path, message_id: messageId } };
    const call = { ...signalOf(options), params };
    return await unwrap(this.#http.api.DELETE('/api/v1/sessions/{session_id}/messages/{message_id}', call));
  }

  /** The turns that have ended, whoever began them; the oldest first. */
  turns(options: CallOptions = {}): AsyncGenerator<Turn, void> {
    return allPages(async (cursor) => {
      return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/turns', this.#page(options, cursor, {})));
    });
  }

  /** When its agent will wake itself, and with which prompt. */
  async wakeups(options: CallOptions = {}): Promise<Wakeup[]> {
    const { data } = await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/wakeups', this.#of(options)));
    return data;
  }

  /** Questions and permissions that wait for a person, the oldest first. @param options `state: 'all'`: those that did, too */
  async questions(options: CallOptions & { readonly state?: InteractionState | 'all' } = {}): Promise<Interaction[]> {
    const { state = 'open' } = options;
    const pages = allPages(async (cursor) => {
      const call = this.#page(options, cursor, state === 'all' ? {} : { state });
      return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/interactions', call));
    });
    return await all(pages);
  }

  /**
   * Answers a question (`'blue'`, `['red', 'blue']`, or one of these for each of several) or decides on a permission
   * (`{ decision: 'allow' }`). The first answer wins; the same again is fine.
   */
  async answer(
    interactionId: string,
    answer: Extract<ResolveRequest, { answer: unknown }>['answer'] | ResolveRequest,
    options: CallOptions = {},
  ): Promise<Interaction> {
    const body = typeof answer === 'string' || Array.isArray(answer) ? { answer } : answer;
    return await unwrap(
      this.#http.api.POST('/api/v1/sessions/{session_id}/interactions/{interaction_id}/resolve', {
        ...signalOf(options),
        params: { path: { ...this.#path, interaction_id: interactionId } },
        body,
        fetch: this.#http.repeated,
      }),
    );
  }

  /** Ends the turn that runs. @param options `background`: and what runs in the background */
  async interrupt(options: CallOptions & { readonly background?: boolean } = {}): Promise<InterruptAnswer> {
    const body = { background: options.background ?? false };
    return await unwrap(this.#http.api.POST('/api/v1/sessions/{session_id}/interrupt', { ...this.#of(options), body }));
  }

  /** Parks it: its container goes, its files and conversation stay. The next message wakes it. */
  async stop(options: CallOptions = {}): Promise<StoppedSession> {
    const call = { ...this.#of(options), fetch: this.#http.repeated };
    return await unwrap(this.#http.api.POST('/api/v1/sessions/{session_id}/stop', call));
  }

  /** Removes it with all that it stored. */
  async remove(options: CallOptions = {}): Promise<void> {
    await this.#http.remove(sessionPath(this.id), 'session_not_found', signalOf(options));
  }

  /** A new session with the same conversation and files, which go their own way from here. */
  async fork(request: ForkRequest = {}, options: CreatingOptions = {}): Promise<Session> {
    const forked = await unwrap(
      this.#http.api.POST('/api/v1/sessions/{session_id}/fork', { ...this.#creating(options), body: request }),
    );
    return new Session(this.#context, forked.session_id);
  }

  /** Begins a child: a session that may do at most what this one may. */
  async spawn(
    request: SpawnRequest,
    options: CreatingOptions = {},
  ): Promise<SpawnedSession & { readonly session: Session }> {
    const spawned = await unwrap(
      this.#http.api.POST('/api/v1/sessions/{session_id}/spawn', { ...this.#creating(options), body: request }),
    );
    return { ...spawned, session: new Session(this.#context, spawned.child_session_id) };
  }

  /** The sessions that it has begun, the oldest first. */
  children(options: CallOptions = {}): AsyncGenerator<SessionSummary, void> {
    return allPages(async (cursor) => {
      return await unwrap(
        this.#http.api.GET('/api/v1/sessions/{session_id}/children', this.#page(options, cursor, {})),
      );
    });
  }

  /** It with all below it: status, cost and budget of each. */
  async tree(options: CallOptions = {}): Promise<SessionTree> {
    return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/tree', this.#of(options)));
  }

  /** Files that its agent has given to people, the oldest first. Their bytes: `files.artifact(id)`. */
  artifacts(options: CallOptions = {}): AsyncGenerator<Artifact, void> {
    return allPages(async (cursor) => {
      return await unwrap(
        this.#http.api.GET('/api/v1/sessions/{session_id}/artifacts', this.#page(options, cursor, {})),
      );
    });
  }

  /** Gives a port of its container a URL, or prolongs it. */
  async sharePort(body: SharePortRequest, options: CallOptions = {}): Promise<SharedPort> {
    // The same port again is the same share, so that it may be repeated.
    const call = { ...this.#of(options), body, fetch: this.#http.repeated };
    return await unwrap(this.#http.api.POST('/api/v1/sessions/{session_id}/ports', call));
  }

  /** Its shared ports, and what listens in its container. */
  async ports(options: CallOptions = {}): Promise<PortList> {
    return await unwrap(this.#http.api.GET('/api/v1/sessions/{session_id}/ports', this.#of(options)));
  }

  /** From now on the port's URL leads nowhere. */
  async unsharePort(port: number, options: CallOptions = {}): Promise<void> {
    await this.#http.remove(`${sessionPath(this.id)}/ports/${port}`, 'port_not_shared', signalOf(options));
  }

  /** Writes a file into its workspace: `files.write`. */
  async upload(path: string, body: UploadBody, options: UploadOptions = {}): Promise<WrittenFiles> {
    return await this.files.write(path, body, options);
  }

  /**
   * Opens a shell in its container, or runs a command there, beside the agent. A parked session is woken. It works where the operator
   * allows it (`TERMINAL=1`).
   */
  terminal(options: TerminalOptions = {}): SessionTerminal {
    const { http, WebSocket, silenceMs } = this.#context;
    const source = { http, WebSocket, silenceMs, sessionId: this.id };
    return new SessionTerminal(source, options, anySignal(options.signal, http.signal));
  }

  /** In place of a token, in the URL of one stream or download, within 30 s: for browsers. */
  async ticket(options: CallOptions = {}): Promise<Ticket> {
    const call = { ...this.#of(options), fetch: this.#http.repeated };
    return await unwrap(this.#http.api.POST('/api/v1/sessions/{session_id}/tickets', call));
  }

  #of(options: CallOptions) {
    return { ...signalOf(options), params: { path: this.#path } };
  }

  #page<Filter extends object>(options: CallOptions, cursor: string | undefined, filter: Filter) {
    const query = { limit: 200, ...filter, ...(cursor !== undefined && { cursor }) };
    return { ...signalOf(options), params: { path: this.#path, query } };
  }

  #creating({ idempotencyKey = newKey(), ...options }: CreatingOptions) {
    return { ...signalOf(options), params: { path: this.#path, header: { 'idempotency-key': idempotencyKey } } };
  }
}
