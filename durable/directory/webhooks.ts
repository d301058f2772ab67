import type { Refusal } from '../../protocol/api/problem.ts';
import type { DeliveryView, WebhookRequest, WebhookView } from '../../protocol/api/webhook.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { WebhookInput } from '../rpc/directory/receivers.ts';
import type { OwnerWebhook, OwnerWebhooks } from '../rpc/session/owner-webhooks.ts';
import { receiverOf, shownReceiver, type Receiver } from '../shared/webhooks/receiver.ts';
import { DeliveryListTable } from './tables/delivery-list-table.ts';
import { WebhookTable, type WebhookRow } from './tables/webhook-table.ts';

/** Where word of all sessions of an owner is posted to, and what has become of the posts. The sessions themselves post. */
export class WebhookDirectory {
  readonly deliveries: DeliveryListTable;
  readonly #webhooks: WebhookTable;
  readonly #settings: Pick<EdgeSettings, 'MAX_WEBHOOKS_PER_OWNER' | 'WEBHOOK_ALLOW'>;

  constructor(sql: SqlStorage, settings: EdgeSettings) {
    this.deliveries = new DeliveryListTable(sql);
    this.#webhooks = new WebhookTable(sql);
    this.#settings = settings;
  }

  /** Sets up a webhook, or replaces the one with this name: it keeps its secret unless the request names one. */
  put({ name, request, origin }: WebhookInput, now: number): WebhookView | Refusal {
    const before = this.#webhooks.get(name);
    const { MAX_WEBHOOKS_PER_OWNER: most, WEBHOOK_ALLOW: allow } = this.#settings;
    if (before === null && most > 0 && this.#webhooks.all().length >= most) {
      const detail = `You have ${most} webhooks, as many as are allowed (MAX_WEBHOOKS_PER_OWNER). Remove one.`;
      return { refused: 'webhooks_limit_reached', detail };
    }
    const random = crypto.getRandomValues(new Uint8Array(32));
    const asked = withSecretOf(before?.receiver, request);
    const made = receiverOf(asked, { path: '', origin, allow, random });
    if ('refused' in made) return made;
    const row = { name, receiver: made.receiver, created: before?.created ?? now, updated: now };
    this.#webhooks.set(row);
    return { ...viewOf(row), ...(made.made !== null && { secret: made.made }) };
  }

  list(): WebhookView[] {
    return this.#webhooks.all().map(viewOf);
  }

  show(name: string): WebhookView | Refusal {
    const row = this.#webhooks.get(name);
    return row === null ? notFound(name) : viewOf(row);
  }

  remove(name: string): { deleted: true } | Refusal {
    if (this.#webhooks.get(name) === null) return notFound(name);
    this.#webhooks.remove(name);
    return { deleted: true };
  }

  /** The owner's devices have changed. */
  readonly devicesChanged = (): void => this.#webhooks.changed();

  /**
   * All webhooks and devices for a session that knows them as they were at `version`; null: they have not changed since.
   *
   * @param devices asked for them when they have
   */
  since(version: number | null, devices: () => OwnerWebhook[]): OwnerWebhooks | null {
    const present = this.#webhooks.version;
    if (version === present) return null;
    const own = this.#webhooks.all().map((row) => ({ of: 'webhook' as const, ...row }));
    return { version: present, webhooks: [...own, ...devices()] };
  }

  /** A session reports deliveries that have changed. */
  report(session_id: string, views: readonly Omit<DeliveryView, 'session_id'>[]): void {
    for (const view of views) this.deliveries.set({ ...view, session_id });
    this.deliveries.prune();
  }
}

/** A webhook that is replaced keeps its secret, so that its receiver need not be told another one. */
function withSecretOf(before: Receiver | undefined, request: WebhookRequest): WebhookRequest {
  const { secret } = before ?? {};
  if (secret === undefined || request.secret !== undefined || (request.format ?? 'standard') !== 'standard')
    return request;
  return { ...request, secret };
}

function viewOf({ name, receiver, created, updated }: WebhookRow): WebhookView {
  return {
    name,
    ...shownReceiver(receiver),
    created_at: new Date(created).toISOString(),
    updated_at: new Date(updated).toISOString(),
  };
}

const notFound = (name: string): Refusal => ({
  refused: 'webhook_not_found',
  detail: `You have no webhook named "${name}". \`GET /api/v1/webhooks\` lists yours.`,
});
