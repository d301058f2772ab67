import { ntfyTopic, telegramChat, type WebhookEvent } from '../../../../protocol/api/webhook.ts';
import type { PostRequest } from '../../../shared/webhooks/post-types.ts';
import type { Receiver } from '../../../shared/webhooks/receiver.ts';
import { signature, signingKey } from '../../../shared/webhooks/signing.ts';
import { ntfyBody } from './formats/ntfy.ts';
import { slackBody } from './formats/slack.ts';
import { telegramBody } from './formats/telegram.ts';
import { standardBody } from './payload.ts';
import { wordsOf } from './words.ts';

/** What is to be posted. */
export interface Post {
  readonly id: string;
  readonly type: string;
  /** Of the event, epoch milliseconds. */
  readonly time: number;
  /** The notice's `data`. */
  readonly json: string;
  /** The page that answers what is asked, and until when; null: nothing is, or there is no link. */
  readonly answer: { readonly url: string; readonly expires_at: string } | null;
}

type TextRequest = PostRequest & { readonly body: string };

/**
 * The request that posts something to a webhook or a callback in its format.
 *
 * @param now when it is posted, epoch milliseconds
 * @returns null: the receiver's secret is none
 */
export function requestOf(receiver: Receiver, post: Post, now: number): TextRequest | null {
  const { url, format = 'standard', token } = receiver;
  if (format === 'standard') return standardRequest(receiver, post, now);
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  // What was stored is a notice of this type (`notice.ts`).
  const words = wordsOf(post.type as WebhookEvent, JSON.parse(post.json));
  const link = post.answer?.url ?? null;
  switch (format) {
    case 'push':
      throw new Error('a device gets pushes, which are encrypted for it');
    case 'slack':
      return { url, headers, body: slackBody(words, link) };
    case 'ntfy':
      return { url: ntfyTopic(url)?.publish ?? url, headers, body: ntfyBody(words, url, link) };
    case 'telegram':
      return { url: telegramChat(url)?.send ?? url, headers, body: telegramBody(words, url, link) };
  }
  return format satisfies never;
}

function standardRequest({ url, secret = '' }: Receiver, post: Post, now: number): TextRequest | null {
  const key = signingKey(secret);
  if (key === null) return null;
  const { id, type, time, json, answer } = post;
  const data = answer === null ? json : `${json.slice(0, -1)},"answer":${JSON.stringify(answer)}}`;
  const body = standardBody(type, time, data);
  const timestamp = Math.floor(now / 1000);
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature(key, id, timestamp, body),
  };
  return { url, headers, body };
}
