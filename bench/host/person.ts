import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Client } from '../../test/support/e2e/client.ts';
import type { PlannedMessage, PlannedSession } from './day.ts';
import { waitsOf } from './waits.ts';

/** What all people together have seen. Times are milliseconds. */
export class Seen {
  sent = 0;
  completed = 0;
  created = 0;
  /** Of places and containers, see `waitsOf`. */
  readonly asked: number[] = [];
  readonly queue: number[] = [];
  readonly ready: number[] = [];
  /** From a message to its end, of those to a session whose container ran: without the time that the turn itself takes. */
  readonly over: number[] = [];
  /** Events and previews that came to viewers. */
  watched = 0;
  /** What went wrong, and how often. */
  readonly errors = new Map<string, number>();

  fail(what: string): void {
    this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
  }
}

/** How a turn of the fake claude is asked for. */
const promptOf = ({ words, every, tools }: PlannedMessage): string =>
  `Work on it. fake: words=${words} every=${every} tools=${tools}`;

export interface PersonOptions {
  readonly client: Client;
  readonly plan: PlannedSession;
  /** When the day began, by `performance.now()`. */
  readonly began: number;
  readonly idleSeconds: number;
  readonly seen: Seen;
  readonly signal: AbortSignal;
}

/** One person with one session: comes, says what is planned, thinks, goes, and comes again. */
export async function act({ client, plan, began, idleSeconds, seen, signal }: PersonOptions): Promise<string | null> {
  let id: string | null = null;
  for (const visit of plan.visits) {
    const wait = began + visit.at * 1000 - performance.now();
    if (wait > 0) await delay(wait, undefined, { signal });
    if (id === null) {
      const { status, body } = await client.call('POST', '/sessions', {
        workspace: { type: 'ephemeral' },
        config: { idle_timeout_seconds: idleSeconds },
      });
      if (status !== 201) {
        seen.fail(`a session was refused: ${status} ${body?.code}`);
        return null;
      }
      id = body.session_id as string;
      seen.created += 1;
    }
    const viewer = visit.isWatched ? watch(client, id, seen) : null;
    for (const message of visit.messages) {
      await say(client, id, message, seen);
      await delay(message.think * 1000, undefined, { signal });
    }
    viewer?.close();
  }
  return id;
}

async function say(client: Client, id: string, message: PlannedMessage, seen: Seen): Promise<void> {
  const { status: before } = await client.show(id);
  const sent = performance.now();
  seen.sent += 1;
  const { status, body } = await client.call('POST', `/sessions/${id}/chat`, {
    prompt: promptOf(message),
    stream: false,
  });
  if (status !== 200 || body.status !== 'completed') {
    seen.fail(status === 200 ? `a message ${body.status}: ${body.error?.code}` : `a chat: ${status} ${body?.code}`);
    return;
  }
  seen.completed += 1;
  // The first word comes at once.
  const turn = (message.words - 1) * message.every;
  if (before === 'idle') seen.over.push(performance.now() - sent - turn);
}

function watch(client: Client, id: string, seen: Seen): WebSocket {
  const viewer = client.openStream(id, 0);
  viewer.on('message', (data: Buffer) => {
    const frame: unknown = JSON.parse(data.toString());
    if (Array.isArray(frame)) seen.watched += frame.length;
  });
  viewer.on('error', (error) => seen.fail(`a viewer: ${error.message}`));
  return viewer;
}

/** Adds the waits that a session's log holds. */
export async function readWaits(client: Client, id: string, seen: Seen): Promise<void> {
  const [{ created_at }, log] = [await client.show(id), await client.events(id)];
  const { asked, queue, ready } = waitsOf(created_at, log);
  seen.asked.push(...asked);
  seen.queue.push(...queue);
  seen.ready.push(...ready);
}
