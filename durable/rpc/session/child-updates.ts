import type { ChildEvent } from '../../session/core/children/child-updates.ts';

/** Which child it is. */
export interface ChildIdentity {
  readonly child_id: string;
  /** As it is now. */
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
}

/** One update that a child sends its parent; `n` counts them. */
export interface ChildUpdate {
  readonly n: number;
  readonly event: ChildEvent;
}
