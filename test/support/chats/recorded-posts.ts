import type { Asked, ChatAnswer } from './chat.ts';
import { ntfy } from './ntfy.ts';
import { slack } from './slack.ts';
import { telegram } from './telegram.ts';

/** What a receiver has got, and answered. */
export interface Recorded extends Asked {
  readonly status: number;
  readonly shown: readonly string[];
}

/** Answers of receivers that are no chats: 200, unless a test has set others, which are used up in order. */
const others = new Map<string, number[]>();
const posts = new Map<string, Recorded[]>();

const CHATS: Readonly<Record<string, (asked: Asked) => ChatAnswer>> = { slack, ntfy, telegram };

/**
 * All receivers of webhooks that tests in workerd have: each test has hosts of its own. The first word of a host says what it is
 * (`slack.…`, `ntfy.…`, `telegram.…`; else one that takes anything). A `GET` gives what a host has got; a `PUT` sets the statuses
 * with which it will answer.
 */
export async function receive(request: {
  readonly method: string;
  readonly url: string;
  readonly headers: { entries(): Iterable<[string, string]> };
  text(): Promise<string>;
}): Promise<{ readonly status: number; readonly body: string }> {
  const { method, url } = request;
  const { hostname } = new URL(url);
  const got = posts.get(hostname) ?? [];
  if (method === 'GET') return { status: 200, body: JSON.stringify(got) };
  const body = await request.text();
  if (method === 'PUT') {
    others.set(hostname, JSON.parse(body) as number[]);
    return { status: 200, body: 'ok' };
  }
  const asked = { method, url, headers: Object.fromEntries(request.headers.entries()), body };
  const chat = CHATS[hostname.split('.')[0] ?? ''];
  const answer: ChatAnswer = chat?.(asked) ?? { status: others.get(hostname)?.shift() ?? 200, body: 'ok' };
  posts.set(hostname, [...got, { ...asked, status: answer.status, shown: answer.shown ?? [] }]);
  return answer;
}
