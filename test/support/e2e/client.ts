import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { CcDocker } from '../../../client/main.ts';
import { WAIT_MS } from '../patience.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
type Json = any;

/** A program that uses the API, as any would: `fetch` and a WebSocket. */
export class Client {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${this.#url}/api/v1${path}`, { method, headers, ...sent });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  /** A call whose body, or whose answer's, is not JSON. */
  raw(
    method: string,
    path: string,
    { body, headers }: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const sent = body === undefined ? {} : { body };
    return fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      ...sent,
    });
  }

  /** @param title what the session is for; absent: it has none */
  async createSession(config: object = {}, workspace: object = { type: 'ephemeral' }, title?: string): Promise<string> {
    const { status, body } = await this.call('POST', '/sessions', { workspace, config });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    if (title !== undefined) await this.call('PATCH', `/sessions/${body.session_id}`, { title });
    return body.session_id;
  }

  async deleteSessions(): Promise<void> {
    const { body } = await this.call('GET', '/sessions');
    await Promise.all(body.data.map(({ session_id }: Json) => this.call('DELETE', `/sessions/${session_id}`)));
  }

  /** Sends a message and waits for what became of it. */
  async ask(sessionId: string, prompt: string): Promise<Json> {
    const { status, body } = await this.call('POST', `/sessions/${sessionId}/chat`, { prompt, stream: false });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Sends a message and does not wait. */
  async tell(sessionId: string, prompt: string): Promise<string> {
    const { body } = await this.call('POST', `/sessions/${sessionId}/chat`, { prompt, stream: true });
    return body.message_id;
  }

  async show(sessionId: string): Promise<Json> {
    return (await this.call('GET', `/sessions/${sessionId}`)).body;
  }

  /** Waits until the session is as it should be. */
  async until(sessionId: string, fits: (session: Json) => boolean): Promise<Json> {
    const begun = performance.now();
    for (;;) {
      const session = await this.show(sessionId);
      if (fits(session)) return session;
      const waited = performance.now() - begun;
      if (waited > WAIT_MS) throw new Error(`it did not come to that: ${JSON.stringify(session)}`);
      // What takes long is looked at less often: see `until.ts`.
      await pause(Math.min(1000, Math.max(100, waited / 10)));
    }
  }

  /** Stops the session and waits until all that it holds is saved. */
  async park(sessionId: string): Promise<Json> {
    await this.call('POST', `/sessions/${sessionId}/stop`);
    return await this.until(sessionId, ({ status, files }) => status === 'stopped' && files.saved);
  }

  async message(sessionId: string, messageId: string): Promise<Json> {
    return (await this.call('GET', `/sessions/${sessionId}/messages/${messageId}`)).body;
  }

  /** The whole log. */
  async events(sessionId: string): Promise<Json[]> {
    const events: Json[] = [];
    for (let after: string | null = '0'; after !== null;) {
      const { body } = await this.call('GET', `/sessions/${sessionId}/events?after=${after}&limit=1000`);
      events.push(...body.data);
      after = body.next_cursor;
    }
    return events;
  }

  /** Why the session has failed, once it has. */
  async endOf(sessionId: string): Promise<Json> {
    const cc = new CcDocker({ url: this.#url, token: this.#token });
    for await (const event of cc.session(sessionId).events()) {
      if (event.type === 'session.status' && event.data.status === 'failed') return event.data.reason;
    }
    throw new Error('a stream does not just end');
  }

  watch(sessionId: string, after: number): Watcher {
    return new Watcher(this.openStream(sessionId, after));
  }

  /** A WebSocket on the session's stream, for who keeps nothing of it. */
  openStream(sessionId: string, after: number): WebSocket {
    const url = `${this.#url.replace('http', 'ws')}/api/v1/sessions/${sessionId}/stream?after=${after}`;
    return new WebSocket(url, { headers: { authorization: `Bearer ${this.#token}` } });
  }
}

/** The stream of a session, in the order it came. */
export class Watcher {
  readonly seen: Json[] = [];
  readonly #socket: WebSocket;
  #wake = () => {};
  #ended = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const frame: Json = JSON.parse(data.toString());
      this.seen.push(...(Array.isArray(frame) ? frame : [frame]));
      this.#wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    // What is wrong shows in what was, or was not, seen.
    socket.on('error', () => this.#wake());
  }

  /** Waits for the first event that fits, among those that came and those that come. */
  async until(fits: (event: Json) => boolean): Promise<Json> {
    for (;;) {
      const found = this.seen.find(fits);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error('the stream ended before that came');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends a frame, such as a prompt. */
  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  close(): void {
    this.#socket.close();
  }
}

/** The words of the agent in a log, in order. */
export function spoken(events: readonly Json[]): string[] {
  return events
    .filter(({ type }) => type === 'assistant')
    .flatMap(({ data }) => data.message.content)
    .filter((block) => block.type === 'text')
    .map((block) => block.text);
}

/** A prompt that scripts the demo model (docs/demo-model.md). */
export function script(...steps: object[]): string {
  return `Follow the script.\n\`\`\`demo\n${JSON.stringify(steps)}\n\`\`\``;
}
