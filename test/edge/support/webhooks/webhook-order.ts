import type { Receiver } from '../../../../durable/shared/webhooks/receiver.ts';
import type { DeliveryState } from '../../../../protocol/api/webhook.ts';

/** What a test orders of the object in `webhook-worker.ts`, and the time that it then is. */
export interface Order {
  readonly now: number;
  /** Where the posts of a receiver go (absent: of `callback`); null: it was removed. */
  readonly target?: Receiver | null;
  readonly targets?: Readonly<Record<string, Receiver | null>>;
  readonly add?: readonly { readonly id: string; readonly body: string; readonly receiver?: string }[];
  /** What is added has one try left. */
  readonly last_try?: boolean;
  readonly tell?: boolean;
  /** There is no such session any more. */
  readonly gone?: boolean;
  /** Does not wait until no post is under way. */
  readonly at_once?: boolean;
  /** Posts this delivery again. */
  readonly again?: string;
}

/** How it is then. */
export interface State {
  readonly waiting: number;
  readonly next_try: number | null;
  readonly given_up: readonly { readonly receiver: string; readonly attempts: number; readonly detail: string }[];
  /** Each delivery's state, by its id. */
  readonly states: Readonly<Record<string, DeliveryState>>;
}
