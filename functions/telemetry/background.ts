import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';

/** Has work go on after the answer. It must not fail. */
export function inBackground(c: Context<AppEnv>, work: Promise<void>): void {
  const execution = executionOf(c);
  // Where there is none (Deno, tests), nothing ends what a call has begun.
  if (execution === undefined) void work;
  else execution.waitUntil(work);
}

/** What a call's platform lets it do after its answer; undefined: nothing. Hono throws then, and has no other way to ask. */
export function executionOf(c: Pick<Context<AppEnv>, 'executionCtx'>): Context['executionCtx'] | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
