import {
  DEVICE_LIFE_MS,
  PUSH_EVENTS,
  pushKind,
  type PushSubscriptionView,
  type PushTested,
} from '../../protocol/api/push.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { PushInput } from '../rpc/directory/receivers.ts';
import { gateStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { OwnerWebhook } from '../rpc/session/owner-webhooks.ts';
import { POST_MS, publicInternet, send } from '../shared/posting.ts';
import { encrypt, newMessageKeys } from '../shared/push/encrypt.ts';
import { pushRequest, type Push } from '../shared/push/push-request.ts';
import { isRevokedBy, type Revocation } from '../shared/tokens/revocation.ts';
import { shownUrl, type Receiver } from '../shared/webhooks/receiver.ts';
import { targetRefusal } from '../shared/webhooks/target.ts';
import { PushTable, type PushRow } from './tables/push-table.ts';

/** How long a test message waits for its device, seconds. */
const TEST_TTL = 60;

/** The owner's devices: where the sessions push to. The sessions themselves do. */
export class Devices {
  readonly #env: EdgeEnv;
  readonly #settings: EdgeSettings;
  readonly #table: PushTable;
  readonly #changed: () => void;

  /** @param changed has the sessions ask again where to post */
  constructor(sql: SqlStorage, env: EdgeEnv, settings: EdgeSettings, changed: () => void) {
    this.#env = env;
    this.#settings = settings;
    this.#table = new PushTable(sql);
    this.#changed = changed;
  }

  /** Adds a device, or says anew how and of what it hears. */
  async put({ id, request, origin, token }: PushInput, now: number): Promise<PushSubscriptionView | Refusal> {
    const { endpoint, keys } = request;
    const { MAX_PUSH_SUBSCRIPTIONS_PER_OWNER: most, WEBHOOK_ALLOW: allow } = this.#settings;
    const target = targetRefusal(endpoint, undefined, allow);
    if (target !== null) return invalid('endpoint', target);
    if (!(await isKeyPair(keys))) return invalid('keys.p256dh', 'It is no point of P-256.');
    const present = this.#present(now);
    const before = present.find((one) => one.id === id);
    if (before === undefined && most > 0 && present.length >= most) {
      const detail = `You have ${most} devices, as many as are allowed (MAX_PUSH_SUBSCRIPTIONS_PER_OWNER). Remove one.`;
      return { refused: 'push_limit_reached', detail };
    }
    const row: PushRow = {
      id,
      endpoint,
      keys,
      what: request.what === undefined ? (before?.what ?? pushKind.options) : [...new Set(request.what)],
      label: request.label ?? before?.label ?? null,
      expires: request.expirationTime ?? null,
      origin,
      token,
      created: before?.created ?? now,
      updated: now,
    };
    this.#table.set(row);
    this.#changed();
    return viewOf(row);
  }

  list(now: number): PushSubscriptionView[] {
    return this.#present(now).map(viewOf);
  }

  remove(id: string): { deleted: true } | Refusal {
    if (this.#table.get(id) === null) return NOT_FOUND;
    this.#remove(id);
    return { deleted: true };
  }

  /** Sends a test message, once and at once. */
  async test(id: string, now: number): Promise<PushTested | Refusal> {
    const row = this.#present(now).find((one) => one.id === id);
    if (row === undefined) return NOT_FOUND;
    const receiver = receiverOf(row);
    const request = await pushRequest(receiver, testPush(now), gateStub(this.#env), this.#settings);
    const fetcher = this.#env.WEBHOOKS ?? publicInternet;
    const outcome = await send(request, shownUrl(row.endpoint, 'push'), { fetcher, timeoutMs: POST_MS });
    if (outcome.status === null) return { delivered: false, status: null, detail: outcome.why };
    const { status } = outcome;
    if (status >= 200 && status < 300) return { delivered: true, status, detail: null };
    if (status !== 404 && status !== 410)
      return { delivered: false, status, detail: `The push service answered ${status}.` };
    this.ended(id, row.endpoint);
    return { delivered: false, status, detail: 'The push service does not know this device any more. It is removed.' };
  }

  /** The push service knows this subscription no more. */
  ended(id: string, endpoint: string): void {
    // The device may have subscribed anew meanwhile.
    if (this.#table.get(id)?.endpoint === endpoint) this.#remove(id);
  }

  /** What was set up by a token ends with it. */
  revoked(what: Revocation): void {
    for (const { id, token } of this.#table.all()) if (isRevokedBy(what, token)) this.#remove(id);
  }

  /** As sessions know them. */
  receivers(now: number): OwnerWebhook[] {
    return this.#present(now).map((row) => ({
      of: 'push',
      name: row.id,
      receiver: receiverOf(row),
      created: row.created,
    }));
  }

  #present(now: number): PushRow[] {
    const isOver = ({ expires, updated }: PushRow) => (expires ?? Infinity) <= now || updated + DEVICE_LIFE_MS <= now;
    return this.#table.all().filter((row) => !isOver(row));
  }

  #remove(id: string): void {
    this.#table.remove(id);
    this.#changed();
  }
}

function receiverOf({ endpoint, keys, what, origin }: PushRow): Receiver {
  return { url: endpoint, format: 'push', keys, events: what.flatMap((kind) => PUSH_EVENTS[kind]), origin };
}

function viewOf({ id, label, endpoint, what, created, updated }: PushRow): PushSubscriptionView {
  return {
    id,
    label,
    service: new URL(endpoint).host,
    what: [...what],
    created_at: new Date(created).toISOString(),
    updated_at: new Date(updated).toISOString(),
  };
}

/** Whether messages can be encrypted for these keys. */
async function isKeyPair(keys: PushRow['keys']): Promise<boolean> {
  try {
    await encrypt('', keys, await newMessageKeys());
    return true;
  } catch {
    // The form is right (`pushKeys`), so it is not on the curve.
    return false;
  }
}

function testPush(now: number): Push {
  const title = 'Notifications work';
  const text = 'This device hears of your sessions.';
  const message = { kind: 'test', title, text, tag: 'test', path: '/notifications', time: now } as const;
  return { message, ttl: TEST_TTL, urgency: 'high', topic: null };
}

const NOT_FOUND: Refusal = {
  refused: 'push_subscription_not_found',
  detail: 'You have no such device. `GET /api/v1/push/subscriptions` lists yours.',
};

const invalid = (path: string, message: string): Refusal => ({
  refused: 'invalid_request',
  detail: `${path}: ${message}`,
  errors: [{ path, message }],
});
