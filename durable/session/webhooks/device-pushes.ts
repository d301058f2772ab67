import * as z from 'zod';
import type { WebhookEvent } from '../../../protocol/api/webhook.ts';
import { isAsked } from '../../shared/interactions/answerers.ts';
import { send, type Posting } from '../../shared/posting.ts';
import { pushRequest } from '../../shared/push/push-request.ts';
import type { PostOutcome } from '../../shared/webhooks/post-types.ts';
import { shownUrl, type Receiver } from '../../shared/webhooks/receiver.ts';
import { judge } from '../core/webhooks/delivery.ts';
import { pushParts, type PushContext } from '../core/webhooks/formats/push.ts';
import { wordsOf } from '../core/webhooks/words.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import type { Delivery } from '../store/webhooks/delivery-table.ts';
import { devicesId } from '../store/webhooks/receivers.ts';

/** How long it is of use to hear of what happened, milliseconds. */
const USEFUL_MS = 86_400_000;

const about = z.object({ interaction_id: z.string().optional(), seq: z.int().optional() });

/** A delivery that nobody needs any more, and why. */
export interface Moot {
  readonly moot: string;
}

/** Posts a session's deliveries to the owner's devices, by the push services of their browsers. */
export class DevicePushes {
  readonly #store: SessionStore;
  readonly #peers: Peers;

  constructor(store: SessionStore, peers: Peers) {
    this.#store = store;
    this.#peers = peers;
  }

  /** Posts one, once. @param key of the receiver @param now epoch milliseconds @throws when it cannot be known now what to post */
  async post(
    key: string,
    receiver: Receiver,
    delivery: Delivery,
    posting: Posting & { now: number },
  ): Promise<PostOutcome | Moot> {
    const context = this.#context(key, delivery, posting.now);
    if ('moot' in context) return context;
    // What was stored is a notice of this type (`notice.ts`).
    const type = delivery.type as WebhookEvent;
    const push = pushParts(type, wordsOf(type, JSON.parse(delivery.json)), context, posting.now);
    const { gate } = this.#peers;
    const request = await pushRequest(receiver, push, gate, this.#store.settings);
    const outcome = await send(request, shownUrl(receiver.url, 'push'), posting);
    const verdict = judge(outcome, 1, posting.now, 0, 'push');
    const id = devicesId(key);
    if (id !== null && verdict.is === 'given_up' && verdict.all)
      await this.#peers.directory.pushEnded(id, receiver.url);
    return outcome;
  }

  /** What a push is about; or why it is not needed any more. */
  #context(key: string, { type, time, json }: Delivery, now: number): PushContext | Moot {
    const { session_id, owner } = this.#store.current.identity;
    const { interaction_id = null, seq = null } = about.parse(JSON.parse(json));
    const context = { session_id, interaction_id, seq, time, until: time + USEFUL_MS, canAnswer: false };
    if (now >= context.until) return { moot: 'It would come more than a day late.' };
    if (interaction_id === null) return context;
    if (type !== 'interaction.opened' && type !== 'interaction.reminded') {
      const isKnown = this.#store.deliveries.mayHaveGot(key, interaction_id);
      return isKnown ? context : { moot: 'The device has not heard of what was asked.' };
    }
    const interaction = this.#store.interactions.get(interaction_id);
    if (interaction === null || interaction.state !== 'open' || interaction.deadline <= now)
      return { moot: 'It was answered, or is no longer asked.' };
    return { ...context, until: interaction.deadline, canAnswer: isAsked(interaction, owner) };
  }
}
