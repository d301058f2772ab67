import type { ChildEvent } from '../session/core/children/child-updates.ts';

/** Which child it is, as its parent first hears of it. */
export interface ChildIdentity {
  readonly child_id: string;
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
}

/** One update that a child sends its parent; `n` counts them. */
export interface ChildUpdate {
  readonly n: number;
  readonly event: ChildEvent;
}
