/** So many requests in each window, which begins with the first of them. */
export interface Allowance {
  readonly limit: number;
  readonly windowMs: number;
}

export interface BucketAnswer {
  readonly headers: Readonly<Record<string, string>>;
  /** Of a request that is too many: for how long, seconds, and the body of the 429. */
  readonly refused: { readonly body: object } | null;
}

const PLENTY: Allowance = { limit: 1000, windowMs: 1000 };

interface Window {
  used: number;
  ends: number;
}

/** Discord's limits: by bucket and major parameter, for the whole bot, and on one resource. */
export class Buckets {
  readonly #now: () => number;
  #windows = new Map<string, Window>();
  #allowances = new Map<string, Allowance>();
  #global: Allowance = { limit: 50, windowMs: 1000 };
  #shared = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param route such as `POST /channels/:id/messages`; `global`: all of the bot's together */
  allow(route: string, allowance: Allowance): void {
    if (route === 'global') this.#global = allowance;
    else this.#allowances.set(route, allowance);
  }

  /** As when others use up what a resource bears, such as the edits of an old message. */
  refuseShared(route: string, forMs: number): void {
    this.#shared.set(route, this.#now() + forMs);
  }

  /** @param major the channel, or the webhook with its token */
  take(route: string, major: string, isOfBot: boolean): BucketAnswer {
    const now = this.#now();
    const allowance = this.#allowances.get(route) ?? PLENTY;
    const bucket = `bucket-${Buffer.from(route).toString('hex').slice(-12)}-${route.length}`;
    const window = this.#window(`${route} ${major}`, allowance, now);
    const headers = {
      'x-ratelimit-limit': String(allowance.limit),
      'x-ratelimit-remaining': String(Math.max(0, allowance.limit - window.used - 1)),
      'x-ratelimit-reset': String(window.ends / 1000),
      'x-ratelimit-reset-after': String((window.ends - now) / 1000),
      'x-ratelimit-bucket': bucket,
    };
    const global = isOfBot ? this.#window('global', this.#global, now) : null;
    if (global !== null && global.used >= this.#global.limit) {
      const named = { 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' };
      return refuse(named, (global.ends - now) / 1000, true, 'You are being rate limited.');
    }
    const shared = this.#shared.get(route) ?? 0;
    if (shared > now) {
      const named = { ...headers, 'x-ratelimit-scope': 'shared' };
      return refuse(named, (shared - now) / 1000, false, 'The resource is being rate limited.');
    }
    if (global !== null) global.used += 1;
    if (window.used >= allowance.limit) {
      const named = { ...headers, 'x-ratelimit-scope': 'user' };
      return refuse(named, (window.ends - now) / 1000, false, 'You are being rate limited.');
    }
    window.used += 1;
    return { headers, refused: null };
  }

  #window(key: string, { windowMs }: Allowance, now: number): Window {
    const current = this.#windows.get(key);
    if (current !== undefined && current.ends > now) return current;
    const fresh = { used: 0, ends: now + windowMs };
    this.#windows.set(key, fresh);
    return fresh;
  }
}

function refuse(headers: Record<string, string>, seconds: number, global: boolean, message: string): BucketAnswer {
  return {
    headers: { ...headers, 'retry-after': String(Math.ceil(seconds)) },
    refused: { body: { message, retry_after: seconds, global } },
  };
}
