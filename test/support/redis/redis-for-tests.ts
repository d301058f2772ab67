/** What tests on Redis are given: where it is, or why there is none. */
export type RedisForTests =
  | { readonly ok: true; readonly url: string; readonly token: string }
  | { readonly ok: false; readonly why: string };

declare module 'vitest' {
  interface ProvidedContext {
    redis: RedisForTests;
  }
}

/**
 * A fault that a test orders (`POST /-/trouble`), of requests whose body has `match` in it, so that tests beside it notice
 * nothing. `slow`: answered after `delay_ms`. `failing`: 500. `broken`: the connection ends. `silent`: never answered.
 * `lost`: done, but the connection ends before the answer. `none`: no fault any more.
 */
export interface Trouble {
  readonly match: string;
  readonly kind: 'none' | 'slow' | 'failing' | 'broken' | 'silent' | 'lost';
  readonly delay_ms: number;
}
