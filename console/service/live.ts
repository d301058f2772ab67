import { computed, signal } from '@preact/signals';
import { CcDockerError, type FeedEvent, type WaitingInteraction } from '../../client/main.ts';
import { cc } from './service.ts';
import { signedIn } from './sign-in.ts';

/** A session as the list has it. */
export type ListedSession = Extract<FeedEvent, { type: 'session.changed' }>['data'];

/** How far the feed is: `live` is up to date; `away` has lost the service and tries again. */
export type Line = 'loading' | 'live' | 'away';

/** The owner's sessions by id, and what waits for an answer by its own id, as the feed says them (docs/feed.md). */
export const sessions = signal<ReadonlyMap<string, ListedSession>>(new Map());
export const waiting = signal<ReadonlyMap<string, WaitingInteraction>>(new Map());
export const line = signal<Line>('loading');

/** What waits, the one that ends first first. */
export const inbox = computed(() =>
  [...waiting.value.values()].sort((a, b) => Date.parse(a.deadline) - Date.parse(b.deadline)),
);

/** Follows the feed until `signal` ends it or the sign-in is refused. */
export async function followService(signal: AbortSignal): Promise<void> {
  try {
    for await (const event of cc.feed({ signal, onReconnect: lost })) apply(event);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof CcDockerError)) throw error;
    signedIn.value = false;
  }
}

function lost(): void {
  line.value = 'away';
}

function apply(event: FeedEvent): void {
  switch (event.type) {
    case 'session.changed':
      sessions.value = new Map(sessions.value).set(event.data.session_id, event.data);
      return;
    case 'session.removed':
      sessions.value = without(sessions.value, event.data.session_id);
      return;
    case 'interaction.opened':
      waiting.value = new Map(waiting.value).set(event.data.interaction_id, event.data);
      return;
    case 'interaction.closed':
      waiting.value = without(waiting.value, event.data.interaction_id);
      return;
    case 'feed.live':
      line.value = 'live';
      return;
    case 'feed.gap':
      sessions.value = new Map();
      waiting.value = new Map();
  }
}

function without<T>(map: ReadonlyMap<string, T>, id: string): ReadonlyMap<string, T> {
  const left = new Map(map);
  left.delete(id);
  return left;
}
