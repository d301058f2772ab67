import type { Receiver } from '../../shared/webhooks/receiver.ts';

/** One of an owner's webhooks or devices, as sessions know it. */
export interface OwnerWebhook {
  readonly of: 'webhook' | 'push';
  /** Of a device: the id of its subscription. */
  readonly name: string;
  readonly receiver: Receiver;
  /** Since when it has been there, epoch milliseconds. */
  readonly created: number;
}

/** All webhooks and devices of an owner. */
export interface OwnerWebhooks {
  /** Grows with each change. */
  readonly version: number;
  readonly webhooks: readonly OwnerWebhook[];
}
