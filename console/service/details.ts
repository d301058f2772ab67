import { signal, type Signal } from '@preact/signals';
import { CcDockerError, type SessionView } from '../../client/main.ts';
import { cc } from './service.ts';

/** So many are asked for at once: the rest of the page has calls to make as well. */
const AT_ONCE = 2;

const known = new Map<string, Signal<SessionView | null>>();
const queue: string[] = [];
let running = 0;

/**
 * What the list of sessions does not have of one (its model, its environment), as it was when it was first asked for. Null: it is not
 * known yet, or cannot be.
 */
export function sessionDetails(id: string): Signal<SessionView | null> {
  const there = known.get(id);
  if (there !== undefined) return there;
  const details = signal<SessionView | null>(null);
  known.set(id, details);
  queue.push(id);
  void work();
  return details;
}

async function work(): Promise<void> {
  if (running >= AT_ONCE) return;
  running += 1;
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) await fetchDetails(id);
  running -= 1;
}

async function fetchDetails(id: string): Promise<void> {
  const details = known.get(id);
  if (details === undefined) return;
  try {
    details.value = await cc.session(id).show();
  } catch (error) {
    if (!(error instanceof CcDockerError)) throw error;
    // They are beside the point: what is asked is shown without them, and they are asked for again the next time.
    known.delete(id);
  }
}
