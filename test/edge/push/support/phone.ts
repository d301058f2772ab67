import { env } from 'cloudflare:test';
import { expect } from 'vitest';
import type { PushMessage } from '../../../../protocol/api/push.ts';
import type { PushOrder } from '../../../support/push/push-order.ts';
import type { User } from '../../support/api.ts';

/** A message that has come to a phone. */
export interface Came {
  readonly ttl: number;
  readonly urgency: string;
  readonly topic: string | null;
  readonly subject: string | null;
  readonly message: PushMessage;
}

/** A device with a subscription at the stand-in push service (`test/support/push/`). */
export class Phone {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };

  private constructor(endpoint: string, keys: Phone['keys']) {
    this.endpoint = endpoint;
    this.keys = keys;
  }

  /** As a browser subscribes: with the service's key. */
  static async subscribe(user: User): Promise<Phone> {
    const { status, body } = await user.call('GET', '/push');
    expect(status, JSON.stringify(body)).toBe(200);
    const endpoint = `https://push.${crypto.randomUUID()}.example/device`;
    const answer = await order(endpoint, { subscribe: body.public_key });
    const { keys } = await answer.json<{ keys: Phone['keys'] }>();
    return new Phone(endpoint, keys);
  }

  /** Subscribed, and known to the service as `phone`, or by this id. */
  static async of(user: User, request: object = {}, id = 'phone'): Promise<Phone> {
    const phone = await Phone.subscribe(user);
    await phone.announce(user, request, id);
    return phone;
  }

  async announce(user: User, request: object = {}, id = 'phone'): Promise<void> {
    const { endpoint, keys } = this;
    const { status, body } = await user.call('PUT', `/push/subscriptions/${id}`, { endpoint, keys, ...request });
    expect(status, JSON.stringify(body)).toBe(200);
  }

  /** What has come, the oldest first. */
  async came(): Promise<Came[]> {
    return await (await network().fetch(this.endpoint)).json<Came[]>();
  }

  async kinds(): Promise<string[]> {
    return (await this.came()).map(({ message }) => message.kind);
  }

  /** The push service will answer with these, in order. */
  async answers(...answers: number[]): Promise<void> {
    await order(this.endpoint, { answers });
  }

  /** The browser ends the subscription. */
  async unsubscribe(): Promise<void> {
    await order(this.endpoint, { end: true });
  }
}

async function order(endpoint: string, body: PushOrder): Promise<Response> {
  const answer = await network().fetch(endpoint, { method: 'PUT', body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
  return answer;
}

function network(): Fetcher {
  if (env.WEBHOOKS === undefined) throw new Error('vitest.config.ts binds it');
  return env.WEBHOOKS;
}
