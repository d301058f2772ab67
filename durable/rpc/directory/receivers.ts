import type { PushSubscriptionRequest } from '../../../protocol/api/push.ts';
import type { WebhookRequest } from '../../../protocol/api/webhook.ts';
import type { TokenMark } from '../../shared/tokens/revocation.ts';

/** An owner's webhook to set up, or to replace. */
export interface WebhookInput {
  readonly name: string;
  readonly request: WebhookRequest;
  /** The origin at which the owner reached the service. */
  readonly origin: string;
}

/** A device of an owner to push to, or what has changed of it. */
export interface PushInput {
  readonly id: string;
  readonly request: PushSubscriptionRequest;
  /** The origin at which the owner reached the service. */
  readonly origin: string;
  /** The caller's. */
  readonly token: TokenMark;
}
