import type { PushOrder } from './push-order.ts';
import { PushService, type PushAnswer, type PushCall } from './push-service.ts';

/** The one push service of all tests in workerd; each test has subscriptions of its own. */
const service = new PushService();

/** Hosts of this push service: `push.….example`. */
export const isPushHost = (url: string): boolean => new URL(url).hostname.startsWith('push.');

/** Messages come by `POST`; a test orders by `PUT`, and reads what has come by `GET`. */
export async function receivePush(call: PushCall): Promise<PushAnswer> {
  const { method, url, body } = call;
  if (method === 'GET') return { status: 200, body: JSON.stringify(service.pushed(url)) };
  if (method !== 'PUT') return await service.receive(call);
  const order = JSON.parse(body.toString()) as PushOrder;
  if ('subscribe' in order) return { status: 200, body: JSON.stringify(service.subscribe(url, order.subscribe)) };
  if ('answers' in order) service.answersWith(url, ...order.answers);
  else service.end(url);
  return { status: 200, body: '{}' };
}
