import { decodeJwt, importJWK, jwtVerify } from 'jose';
import { Device } from './device.ts';

/** A push service in place of a browser's, with the rules of RFC 8030, 8188, 8291 and 8292 that the real ones hold. */

/** A message that it has taken. */
export interface Pushed {
  readonly ttl: number;
  readonly urgency: string;
  readonly topic: string | null;
  /** As the device decrypts it. */
  readonly message: unknown;
  /** `sub` of the sender's token. */
  readonly subject: string | null;
}

interface Subscription {
  readonly device: Device;
  /** The one sender that may push to it, in base64url. */
  readonly sender: string;
  /** What has come, the oldest first. */
  readonly pushed: Pushed[];
  /** It will answer with these statuses, in order, before it takes anything. */
  answers: number[];
  isEnded: boolean;
}

/** What a push service takes at most, bytes. */
const MAX_BYTES = 4096;
const DAY_S = 86_400;
const URGENCIES = ['very-low', 'low', 'normal', 'high'];

export interface PushCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface PushAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class PushService {
  readonly #subscriptions = new Map<string, Subscription>();

  /** Subscribes a device, as `PushManager.subscribe` does. @param endpoint a new URL */
  subscribe(endpoint: string, sender: string): { endpoint: string; keys: { p256dh: string; auth: string } } {
    const device = new Device();
    this.#subscriptions.set(endpoint, { device, sender, pushed: [], answers: [], isEnded: false });
    return { endpoint, keys: device.keys };
  }

  pushed(endpoint: string): readonly Pushed[] {
    return this.#of(endpoint).pushed;
  }

  answersWith(endpoint: string, ...statuses: number[]): void {
    this.#of(endpoint).answers = statuses;
  }

  /** The device has unsubscribed. */
  end(endpoint: string): void {
    this.#of(endpoint).isEnded = true;
  }

  async receive({ method, url, headers, body }: PushCall): Promise<PushAnswer> {
    if (method !== 'POST') return { status: 405, body: 'a message is posted' };
    const subscription = this.#subscriptions.get(url);
    if (subscription === undefined) return { status: 404, body: 'no such subscription' };
    if (subscription.isEnded) return { status: 410, body: 'it has unsubscribed' };
    const set = subscription.answers.shift();
    if (set !== undefined) return { status: set, body: 'as the test says' };
    const sender = await senderOf(headers['authorization'] ?? '', new URL(url).origin, subscription.sender);
    if ('refused' in sender) return { status: 403, body: sender.refused };
    if (body.length > MAX_BYTES) return { status: 413, body: 'too large' };
    const wrong = misfit(headers);
    if (wrong !== null) return { status: 400, body: wrong };
    const { ttl = '', urgency = 'normal', topic = null } = headers;
    const message: unknown = JSON.parse(subscription.device.decrypt(body));
    subscription.pushed.push({ ttl: Number(ttl), urgency, topic, message, subject: sender.subject });
    return { status: 201, body: '', headers: { location: `${url}/message` } };
  }

  #of(endpoint: string): Subscription {
    const found = this.#subscriptions.get(endpoint);
    if (found === undefined) throw new Error(`nobody has subscribed at ${endpoint}`);
    return found;
  }
}

function misfit(headers: Readonly<Record<string, string>>): string | null {
  const { ttl, urgency, topic } = headers;
  if (headers['content-encoding'] !== 'aes128gcm') return 'only aes128gcm is taken';
  if (ttl === undefined || !/^\d{1,10}$/.test(ttl)) return 'the header TTL is missing, or no number';
  if (urgency !== undefined && !URGENCIES.includes(urgency)) return `no such urgency: ${urgency}`;
  if (topic !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(topic))
    return 'a topic is at most 32 characters of base64url';
  return null;
}

/** Checks the sender's token (RFC 8292). */
async function senderOf(
  authorization: string,
  origin: string,
  known: string,
): Promise<{ readonly subject: string | null } | { readonly refused: string }> {
  const [, token, key] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
  if (token === undefined || key === undefined) return { refused: 'no VAPID' };
  if (key !== known) return { refused: 'the device has subscribed to another sender' };
  const point = Buffer.from(key, 'base64url');
  if (point.length !== 65 || point[0] !== 4) return { refused: 'no point of P-256' };
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  try {
    const jwk = await importJWK(
      { kty: 'EC', crv: 'P-256', ...(x !== undefined && { x }), ...(y !== undefined && { y }) },
      'ES256',
    );
    await jwtVerify(token, jwk, { audience: origin, algorithms: ['ES256'] });
  } catch (error) {
    return { refused: String(error) };
  }
  const { exp, sub = null } = decodeJwt(token);
  if (exp === undefined || exp - Date.now() / 1000 > DAY_S) return { refused: 'good for more than a day' };
  if (sub !== null && !/^(?:mailto:|https:)/.test(sub)) return { refused: 'the subject is no address' };
  return { subject: sub };
}
