import { computed, signal } from '@preact/signals';
import { CcDockerError, type FeedEvent, type FeedSession, type WaitingInteraction } from '../../client/main.ts';
import { LiveState } from './live-state.ts';
import { restUnseen, untilAwake } from './resting.ts';
import { cc } from './service.ts';

/** How far the feed is: `live` is up to date; `away` has lost the service and tries again. */
export type Line = 'loading' | 'live' | 'away';

/** The owner's sessions by id, and what waits for an answer by its own id, as the feed says them (docs/feed.md). */
export const sessions = signal<ReadonlyMap<string, FeedSession>>(new Map());
export const waiting = signal<ReadonlyMap<string, WaitingInteraction>>(new Map());
export const line = signal<Line>('loading');
/** When the service was lost, milliseconds; null: it is there, or was never. */
export const lineLostAt = signal<number | null>(null);
/** Why nothing more comes until the page is loaded again, as the service says it: for example, the sign-in may not see sessions. */
export const lineProblem = signal<string | null>(null);

/** What waits, the one that ends first first. */
export const inbox = computed(() =>
  [...waiting.value.values()].sort((a, b) => Date.parse(a.deadline) - Date.parse(b.deadline)),
);

type ClosedListener = (was: WaitingInteraction) => void;
const closedListeners = new Set<ClosedListener>();

/** Calls `listener` with each that waits no more, as it was. @returns what ends that */
export function onClosed(listener: ClosedListener): () => void {
  closedListeners.add(listener);
  return () => closedListeners.delete(listener);
}

/** Follows the feed until `signal` ends it, or the service refuses it. (A sign-in that has ended makes it wait for another.) */
export async function followService(signal: AbortSignal): Promise<void> {
  const state = new LiveState();
  let after = 0;
  let again = new AbortController();
  const endResting = restUnseen(() => again.abort());
  try {
    while (!signal.aborted) {
      await untilAwake(signal);
      again = new AbortController();
      const end = listenToNetwork(again);
      try {
        for await (const event of cc.feed({
          after,
          signal: AbortSignal.any([signal, again.signal]),
          onReconnect: lost,
        })) {
          after = event.type === 'feed.gap' ? 0 : event.cursor;
          apply(state, event);
        }
      } catch (error) {
        if (!again.signal.aborted) throw error;
      } finally {
        end();
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof CcDockerError)) throw error;
    line.value = 'away';
    lineProblem.value = error.detail;
  } finally {
    endResting();
  }
}

/**
 * A device that was asleep, or had no network, may hold a connection that is dead without knowing it. When its network comes or goes, a
 * new one is opened at once: that one knows. (A service on the same machine is there without any network.)
 */
function listenToNetwork(again: AbortController): () => void {
  const anew = () => again.abort();
  addEventListener('offline', anew);
  addEventListener('online', anew);
  return () => {
    removeEventListener('offline', anew);
    removeEventListener('online', anew);
  };
}

function lost(): void {
  if (line.value === 'live') lineLostAt.value = Date.now();
  line.value = 'away';
}

function apply(state: LiveState, event: FeedEvent): void {
  const closed = state.apply(event);
  if (event.type === 'feed.live') {
    line.value = 'live';
    lineLostAt.value = null;
    show(state);
  } else if (state.isWhole) later(state);
  if (closed !== undefined) for (const listener of closedListeners) listener(closed);
}

let due: LiveState | undefined;

/** Many events come at once: what they change is shown once a frame. A page that is not seen has no frames, but a title. */
function later(state: LiveState): void {
  if (due === state) return;
  due = state;
  const isHidden = document.visibilityState === 'hidden';
  const shown = () => {
    if (due === state) show(state);
  };
  if (!isHidden) requestAnimationFrame(shown);
  setTimeout(shown, HIDDEN_MS);
}

const HIDDEN_MS = 200;

function show(state: LiveState): void {
  due = undefined;
  const changed = state.take();
  if (changed.sessions !== undefined) sessions.value = changed.sessions;
  if (changed.waiting !== undefined) waiting.value = changed.waiting;
}
