import type { BrowserSession, FeedSession, WaitingInteraction } from '../../client/main.ts';

/**
 * What was known last of the inbox and the sessions, for a console that is opened offline. Kept in this browser until the sign-in that
 * read it ends: until then, whoever has the unlocked device could read it from the service as well. Signing out, a sign-in that the
 * service refuses, and another person's sign-in remove it.
 */
export interface LastKnown {
  readonly who: BrowserSession;
  /** When it was true, epoch milliseconds. */
  readonly at: number;
  readonly sessions: readonly FeedSession[];
  readonly waiting: readonly WaitingInteraction[];
}

const KEY = 'cc-docker.last-known';
/** Most of each that is kept: what a person looks at first. */
const MOST = 100;

/** Keeps it in place of what was kept before. */
export function keepLastKnown({ sessions, waiting, ...rest }: LastKnown): void {
  const newest = [...sessions].sort((a, b) => b.created_at.localeCompare(a.created_at)).slice(0, MOST);
  const kept: LastKnown = { ...rest, sessions: newest, waiting: waiting.slice(0, MOST) };
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch (error) {
    // There is no room for it in this browser: then the console says offline that it knows nothing.
    if (!(error instanceof DOMException)) throw error;
    forgetLastKnown();
  }
}

/** What is kept, if its sign-in is not over; null: nothing. @param now epoch milliseconds */
export function lastKnown(now: number): LastKnown | null {
  const text = localStorage.getItem(KEY);
  if (text === null) return null;
  const kept = JSON.parse(text) as LastKnown;
  if (Date.parse(kept.who.expires_at) > now) return kept;
  forgetLastKnown();
  return null;
}

export function forgetLastKnown(): void {
  localStorage.removeItem(KEY);
}
