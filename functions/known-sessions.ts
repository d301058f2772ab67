import { Recent } from './recent.ts';

/** Sessions that this process remembers. A key takes some 300 bytes at most. */
const MOST = 10_000;

/** A session that is deleted may stay: its object then says that it is gone. */
const known = new Recent<true>(MOST);

/**
 * Whether a session exists, as `ask` says or has said. workerd makes a file for each object that is called, and keeps it. So
 * nothing calls the object of an id that nobody has created, and for one that exists the usual call asks nobody.
 *
 * @param whose whom the session is known to: each asks for themselves, so that nobody can tell from an answer, or from its
 *   time, that another's session exists
 */
export async function isKnown(whose: string, sessionId: string, ask: () => Promise<boolean>): Promise<boolean> {
  if (!known.get(keyOf(whose, sessionId)) && !(await ask())) return false;
  remember(whose, sessionId);
  return true;
}

/** A session exists. */
export function remember(whose: string, sessionId: string): void {
  known.set(keyOf(whose, sessionId), true);
}

const keyOf = (whose: string, sessionId: string) => `${sessionId} ${whose}`;
