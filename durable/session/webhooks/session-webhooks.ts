import type { EdgeEnv } from '../../rpc/edge-env.ts';
import { count, sendTelemetry } from '../../rpc/telemetry/counts.ts';
import { publicInternet } from '../../shared/posting.ts';
import type { Outgoing } from '../../shared/retrying-call.ts';
import type { Transaction } from '../store/changes/transaction.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import { CALLBACK, devicesId, ownersName } from '../store/webhooks/receivers.ts';
import { answerLink } from './answer-link.ts';
import { DeliveryReports } from './delivery-reports.ts';
import { DevicePushes } from './device-pushes.ts';
import type { Target } from './lane.ts';
import { OwnerRouting } from './owner-routing.ts';
import { Webhooks } from './webhooks.ts';

export interface WebhookDependencies {
  readonly store: SessionStore;
  readonly peers: Peers;
  /** Publishes on a channel of Redis. Throws when that has not been done for sure. Null: there is no Redis. */
  readonly publish: ((channel: string, message: string) => Promise<void>) | null;
}

/**
 * Puts a session's webhooks together.
 *
 * @param retry schedules a call of `send` of each part at its `nextTry`
 * @returns the webhooks, and all parts in the order in which they are to send
 */
export function sessionWebhooks(
  ctx: DurableObjectState,
  env: EdgeEnv,
  { store, peers, publish }: WebhookDependencies,
  retry: () => void,
): { readonly webhooks: Webhooks<Transaction>; readonly parts: readonly Outgoing[] } {
  const routing = new OwnerRouting(ctx, store, peers, retry);
  const reports = new DeliveryReports(ctx, store, peers, retry);
  const pushes = new DevicePushes(store, peers);
  const webhooks = new Webhooks<Transaction>({
    ctx,
    store,
    fetcher: env.WEBHOOKS ?? publicInternet,
    publish: async (channel, message) => {
      if (publish === null) throw new Error('it is not configured');
      await publish(channel, message);
    },
    isOpen: (receiver) => receiver !== CALLBACK || publish !== null || !isChannel(store),
    target: async (receiver) => await targetOf(store, routing, receiver),
    answer: async (delivery, receiver) => await answerLink(store, delivery, receiver),
    push: async (key, receiver, delivery, posting) => await pushes.post(key, receiver, delivery, posting),
    gaveUp: (tx, receiver, attempts, detail) => tx.webhooks.gaveUp(receiver, attempts, detail),
    kept: store.settings.WEBHOOK_DELIVERIES_KEPT,
    counted: (outcome) => {
      count('cc_docker_webhook_posts_total', { outcome });
      sendTelemetry(env, (sending) => ctx.waitUntil(sending));
    },
    retry: () => {
      reports.send();
      retry();
    },
  });
  return { webhooks, parts: [routing, webhooks, reports] };
}

/** Whether the session's own callback is a channel of Redis. */
function isChannel(store: SessionStore): boolean {
  return store.current.identity.spawn?.channel !== undefined;
}

/** Where the deliveries of a receiver go. */
async function targetOf(store: SessionStore, owners: OwnerRouting, receiver: string): Promise<Target> {
  const name = ownersName(receiver);
  if (name !== null || devicesId(receiver) !== null) {
    const found = await owners.find(receiver);
    if (found === undefined)
      return { is: 'gone', detail: name === null ? 'The device was removed.' : `The webhook "${name}" was removed.` };
    return { is: 'receiver', receiver: found.receiver };
  }
  const { callback, spawn } = store.current.identity;
  const own = callback ?? spawn?.webhook ?? null;
  if (own !== null) return { is: 'receiver', receiver: own };
  const channel = spawn?.channel;
  return channel === undefined ? { is: 'gone', detail: 'The session has no callback.' } : { is: 'channel', channel };
}
