import { env } from 'cloudflare:test';
import { SignJWT } from 'jose';
import { createApp } from '../../../functions/app.ts';
import { signingKey, type KeyKind } from '../../../protocol/token-keys.ts';
import { TokenType } from '../../../protocol/token.ts';
import { undeclared } from './declared.ts';
import { Socket } from './socket.ts';

const app = createApp();

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
  readonly body: any;
}

export interface TokenOptions {
  readonly typ?: string;
  readonly secret?: string;
  readonly expires?: string;
  /** What else the token says, such as `scope`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export async function mint(
  sub: string,
  { typ = TokenType.user, secret = env.JWT_SECRET, expires = '1h', claims = {} }: TokenOptions = {},
) {
  // `claims` may say when it was made, or that it does not say.
  return new SignJWT({ iat: Math.floor(Date.now() / 1000), ...claims })
    .setProtectedHeader({ alg: 'HS256', typ })
    .setSubject(sub)
    .setExpirationTime(expires)
    .sign(await signingKey({ JWT_SECRET: secret }, KINDS[typ] ?? 'user'));
}

/** The kind of key that signs tokens of this type; any other is signed as a user's. */
const KINDS: Readonly<Record<string, KeyKind>> = {
  [TokenType.session]: 'session',
  [TokenType['runner-code']]: 'runner-code',
  [TokenType['login-code']]: 'login-code',
};

/** Calls the API the way an HTTP client does. @throws when the answer is not one that the document of the API has */
export async function request(path: string, init: RequestInit = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  // The same id for all: answers that are to be the same are compared whole.
  if (!headers.has('x-request-id')) headers.set('x-request-id', 'of-a-test');
  const response = await app.request(path, { ...init, headers }, env);
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const wrong = undeclared(init.method ?? 'GET', path, { status: response.status, type, text });
  if (wrong !== null) throw new Error(wrong);
  const isJson = type.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Someone who uses the service. Each test makes its own, so that none sees another's sessions. */
export class User {
  readonly name: string;
  readonly token: Promise<string>;

  /**
   * @param name of somebody who owns nothing, such as an admin, or whom a setting names. Files share a workerd, and what a session of
   *   the file before still has to say may come late: whoever owns sessions has the name that nobody else has
   */
  constructor(name: string = crypto.randomUUID(), options: TokenOptions = {}) {
    this.name = name;
    this.token = mint(name, options);
  }

  /** The same person, with a token of its own. */
  withToken(options: TokenOptions): User {
    return new User(this.name, options);
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const authorization = `Bearer ${await this.token}`;
    const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    return request(`/api/v1${path}`, { method, headers: { authorization, ...headers }, ...init });
  }

  async createSession(config: object = {}): Promise<string> {
    const { body } = await this.call('POST', '/sessions', { config });
    return body.session_id;
  }

  async open(sessionId: string, query = ''): Promise<Socket> {
    const headers = { upgrade: 'websocket', authorization: `Bearer ${await this.token}` };
    const response = await app.request(`/api/v1/sessions/${sessionId}/stream${query}`, { headers }, env);
    return Socket.of(response);
  }

  /** The events of a session, oldest first. */
  async events(sessionId: string, after = 0): Promise<{ seq: number; type: string; data: Record<string, unknown> }[]> {
    const { body } = await this.call('GET', `/sessions/${sessionId}/events?after=${after}&limit=1000`);
    return body.data;
  }

  /** The owner's feed. */
  async feed(query = '', headers: Record<string, string> = {}): Promise<Response> {
    const all = { authorization: `Bearer ${await this.token}`, accept: 'text/event-stream', ...headers };
    return app.request(`/api/v1/events${query}`, { headers: all }, env);
  }

  async stream(sessionId: string, headers: Record<string, string> = {}, query = ''): Promise<Response> {
    const all = { authorization: `Bearer ${await this.token}`, accept: 'text/event-stream', ...headers };
    return app.request(`/api/v1/sessions/${sessionId}/events${query}`, { headers: all }, env);
  }
}

/** Opens a session's stream as a page does: without a header of its own. */
export async function openByTicket(sessionId: string, ticket: string): Promise<Socket> {
  const path = `/api/v1/sessions/${sessionId}/stream?after=0&ticket=${ticket}`;
  return Socket.of(await app.request(path, { headers: { upgrade: 'websocket' } }, env));
}

/** Opens one of the sockets that runners dial. */
export async function dial(path: string, token: string): Promise<Socket> {
  const headers = { upgrade: 'websocket', authorization: `Bearer ${token}` };
  return Socket.of(await app.request(`/api/v1/runner${path}`, { headers }, env));
}
