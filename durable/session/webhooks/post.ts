import { send, type Posting } from '../../shared/posting.ts';
import type { PostOutcome } from '../../shared/webhooks/post-types.ts';
import { shownUrl, type Receiver } from '../../shared/webhooks/receiver.ts';
import { requestOf, type Post } from '../core/webhooks/message.ts';

/** Posts something to a webhook or a callback, once. @param now epoch milliseconds */
export async function post(receiver: Receiver, what: Post, posting: Posting & { now: number }): Promise<PostOutcome> {
  const request = requestOf(receiver, what, posting.now);
  if (request === null) return { status: null, why: 'The secret is not "whsec_" and base64.' };
  return await send(request, shownUrl(receiver.url, receiver.format), posting);
}
