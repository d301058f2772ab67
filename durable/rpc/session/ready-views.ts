import type { JsonText } from '../../../protocol/json-text.ts';
import type { EdgeEnv } from '../edge-env.ts';
import type { StoredSessionView } from './views.ts';

/** Views that are kept. One takes some 2 KB. */
const MOST = 1000;
/** Longer ones are not kept (a long system prompt is in them), so that all take 16 MB at most. UTF-16 units. */
const MAX_LENGTH = 16_384;

interface Ready {
  readonly owner: string;
  readonly text: JsonText<StoredSessionView>;
}

/**
 * What sessions look like now, by their ids, for handlers in the same process: a call of the object costs more than all the rest of
 * a `GET`. Only where workerd serves alone, for there every object is in this process, and takes its view out when it changes.
 */
const views = new Map<string, Ready>();

/** The view of an owner's session; undefined: its object has to be asked. */
export function readyView(
  { RUNTIME }: Pick<EdgeEnv, 'RUNTIME'>,
  sessionId: string,
  owner: string,
): JsonText<StoredSessionView> | undefined {
  if (RUNTIME !== 'workerd') return undefined;
  const ready = views.get(sessionId);
  return ready?.owner === owner ? ready.text : undefined;
}

/** For the session's object alone. What it gives is on the disk. */
export function giveView(sessionId: string, ready: Ready): void {
  if (ready.text.length > MAX_LENGTH) return;
  views.set(sessionId, ready);
  const [oldest] = views.keys();
  if (views.size > MOST && oldest !== undefined) views.delete(oldest);
}

/** For the session's object alone. */
export function takeViewBack(sessionId: string): void {
  views.delete(sessionId);
}
