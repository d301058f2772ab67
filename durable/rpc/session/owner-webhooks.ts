import type { Receiver } from '../../shared/webhooks/receiver.ts';

/** One of an owner's webhooks, as sessions know it. */
export interface OwnerWebhook {
  readonly name: string;
  readonly receiver: Receiver;
  /** Since when it has been there, epoch milliseconds. */
  readonly created: number;
}

/** All webhooks of an owner. */
export interface OwnerWebhooks {
  /** Grows with each change. */
  readonly version: number;
  readonly webhooks: readonly OwnerWebhook[];
}
