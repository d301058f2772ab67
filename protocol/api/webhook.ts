import * as z from 'zod';
import { instant, uuid } from '../ids.ts';

/** Webhooks: where word of sessions is posted to, and what became of each post. docs/webhooks.md */

/** What a webhook may post. */
export const WEBHOOK_EVENTS = [
  'message.completed',
  'message.failed',
  'message.interrupted',
  'interaction.opened',
  'interaction.reminded',
  'interaction.resolved',
  'interaction.expired',
  'interaction.withdrawn',
  'session.notification',
  'session.stopped',
  'session.failed',
  'budget.reached',
  'budget.resumed',
  'child.spawned',
  'child.status',
  'child.result',
  'child.interaction',
  'child.callback_failed',
  'child.deleted',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** What is posted when nobody names the events: what a person wants to hear of at once. */
export const DEFAULT_WEBHOOK_EVENTS: readonly WebhookEventPattern[] = [
  'message.completed',
  'message.failed',
  'interaction.opened',
  'interaction.reminded',
  'session.notification',
  'session.failed',
  'budget.reached',
];

/** What a child's callback posts when its events are not named. */
export const CHILD_CALLBACK_EVENTS: readonly WebhookEventPattern[] = ['child.*'];

/** An event by its name, all with a prefix, or all. */
const webhookEventPattern = z.enum([
  '*',
  'message.*',
  'interaction.*',
  'session.*',
  'budget.*',
  'child.*',
  ...WEBHOOK_EVENTS,
]);
export type WebhookEventPattern = z.infer<typeof webhookEventPattern>;

/**
 * How it is posted. `standard`: JSON, signed by Standard Webhooks (standardwebhooks.com). `slack`: an incoming webhook of
 * Slack, or of what takes the same. `ntfy`: a topic of ntfy. `telegram`: `sendMessage` of a bot.
 */
export const webhookFormat = z.enum(['standard', 'slack', 'ntfy', 'telegram']);
export type WebhookFormat = z.infer<typeof webhookFormat>;

const target = {
  url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).max(2048),
  /** Absent: what a person wants to hear of at once; of a child's callback, `child.*`. */
  events: z.array(webhookEventPattern).min(1).max(32).optional(),
  /** Absent: `standard`. */
  format: webhookFormat.optional(),
  /** Signs the posts of the format `standard`: `whsec_` and base64. Absent: one is made, which the answer names once. */
  secret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,128}={0,2}$/, 'must be "whsec_" and 24 to 96 bytes in base64')
    .optional(),
  /** An access token of ntfy. */
  token: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, 'must be 1 to 512 visible ASCII characters')
    .optional(),
  /** `false`: what is posted of a question carries no link that answers it. */
  answer_links: z.boolean().optional(),
} as const;

type Target = z.infer<z.ZodObject<typeof target>>;

/** The topic in the URL of an ntfy topic, and the address that messages are published to; null: it is none. */
export function ntfyTopic(url: string): { readonly topic: string; readonly publish: string } | null {
  const { pathname, origin, search } = new URL(url);
  const topic = /^\/([-_A-Za-z0-9]{1,64})$/.exec(pathname)?.[1];
  return topic === undefined ? null : { topic, publish: `${origin}/${search}` };
}

/** The chat in the URL of a Telegram bot's `sendMessage`, and that URL without it; null: it is none. */
export function telegramChat(url: string): { readonly chat: string; readonly send: string } | null {
  const { pathname, origin, searchParams } = new URL(url);
  const chat = searchParams.get('chat_id');
  const isSend = /^\/bot\d{1,20}:[A-Za-z0-9_-]{8,128}\/sendMessage$/.test(pathname);
  return isSend && chat !== null && chat !== '' ? { chat, send: origin + pathname } : null;
}

/** What of a target does not fit its format. */
function misfits({ url, format = 'standard', secret, token }: Target): [path: keyof Target, message: string][] {
  const found: [keyof Target, string][] = [];
  if (secret !== undefined && format !== 'standard') found.push(['secret', `the format ${format} is not signed`]);
  if (token !== undefined && format !== 'ntfy') found.push(['token', 'only the format ntfy takes one']);
  if (!URL.canParse(url)) return found;
  if (format === 'ntfy' && ntfyTopic(url) === null) {
    found.push(['url', 'must be the URL of an ntfy topic, such as https://ntfy.sh/TOPIC']);
  }
  if (format === 'telegram' && telegramChat(url) === null) {
    found.push(['url', 'must be https://api.telegram.org/botTOKEN/sendMessage?chat_id=CHAT']);
  }
  return found;
}

/** Reports what of a target does not fit its format. */
function fits(context: z.core.ParsePayload<Target>): void {
  for (const [path, message] of misfits(context.value)) {
    // Not the input: a URL may be a secret.
    context.issues.push({ code: 'custom', path: [path], message, input: null });
  }
}

/** `config.callback`, and a child's `callback`: where word of one session is posted to. */
export const webhookCallback = z.strictObject({ type: z.literal('webhook'), ...target }).check(fits);

/** `PUT /webhooks/{name}`: where word of all sessions of an owner is posted to. */
export const webhookRequest = z.strictObject(target).check(fits);
export type WebhookRequest = z.infer<typeof webhookRequest>;

/** The name of an owner's webhook. */
export const webhookName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be 1 to 64 small letters, digits and -, and begin with no -');

/** A target as it is shown: what may be a secret in its URL is left out. */
export const shownTarget = z.object({
  url: z.string(),
  format: webhookFormat,
  events: z.array(z.string()),
  answer_links: z.boolean(),
});
export type ShownTarget = z.infer<typeof shownTarget>;

/** One of an owner's webhooks. */
export const webhookView = shownTarget.extend({
  name: z.string(),
  created_at: instant,
  updated_at: instant,
  /** The secret that signs its posts: in the answer to the call that has made it, and never again. */
  secret: z.string().optional(),
});
export type WebhookView = z.infer<typeof webhookView>;

export const webhookList = z.object({ data: z.array(webhookView), next_cursor: z.string().nullable() });

/**
 * `waiting`: it is posted as soon as those before it are done with, or tried again at `next_attempt_at`. `delivered`: a 2xx
 * came back. `failed`: given up. `dropped`: too much waited for its receiver. `canceled`: its webhook was removed, or nobody
 * needed it any more, such as the push of a question that was answered.
 */
export const deliveryState = z.enum(['waiting', 'delivered', 'failed', 'dropped', 'canceled']);
export type DeliveryState = z.infer<typeof deliveryState>;

/** One event for one webhook. */
export const deliveryView = z.object({
  /** The post's `webhook-id`. */
  delivery_id: uuid,
  session_id: uuid,
  /** The owner's webhook by its name; null: the session's own callback, or a device. */
  webhook: z.string().nullable(),
  /** The owner's device by the id of its push subscription; null, or absent: it is a webhook's or a callback's. */
  push: z.string().nullable().optional(),
  event: z.string(),
  state: deliveryState,
  attempts: z.int(),
  /** The status of the last answer; null: none came. */
  last_status: z.int().nullable(),
  last_attempt_at: instant.nullable(),
  /** Null: it is not tried again by itself. */
  next_attempt_at: instant.nullable(),
  created_at: instant,
  /** Why the last try failed, or why it is not tried any more. */
  detail: z.string().nullable(),
});
export type DeliveryView = z.infer<typeof deliveryView>;

/** Deliveries, the newest first. */
export const deliveryList = z.object({ data: z.array(deliveryView), next_cursor: z.string().nullable() });
