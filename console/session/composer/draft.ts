import type { Delivery } from './delivery.ts';

/** A message whose sending has begun, and of which the service has not said that it has it. */
export interface Attempt {
  /** With it, the same message has its effect once, however often it is sent. */
  readonly key: string;
  readonly text: string;
  readonly delivery: Delivery;
  /** Which files go with it; empty: none. They themselves are not kept: a page that is loaded again does not have them. */
  readonly files: string;
}

/** What somebody has written to a session and not sent. */
export interface Draft {
  readonly text: string;
  readonly attempt: Attempt | null;
}

const EMPTY: Draft = { text: '', attempt: null };
const keyOf = (sessionId: string) => `cc-docker.draft.${sessionId}`;
/** A longer text cannot be sent, and browsers keep no more than 5 MB. */
const MOST_KEPT = 1024 * 1024;

/** The draft as this tab keeps it. It outlives a reload, not the tab. */
export function keptDraft(sessionId: string, storage: Pick<Storage, 'getItem'> = sessionStorage): Draft {
  const kept = storage.getItem(keyOf(sessionId));
  // Only this file writes it.
  return kept === null ? EMPTY : (JSON.parse(kept) as Draft);
}

export function keepDraft(
  sessionId: string,
  draft: Draft,
  storage: Pick<Storage, 'setItem' | 'removeItem'> = sessionStorage,
): void {
  const isEmpty = draft.text === '' && draft.attempt === null;
  if (isEmpty || draft.text.length > MOST_KEPT) storage.removeItem(keyOf(sessionId));
  else storage.setItem(keyOf(sessionId), JSON.stringify(draft));
}

/** Whether an attempt is of just this message, so that its key holds for it. */
export function isOf(attempt: Attempt | null, message: Pick<Attempt, 'text' | 'files'>): attempt is Attempt {
  return attempt !== null && attempt.text === message.text && attempt.files === message.files;
}
