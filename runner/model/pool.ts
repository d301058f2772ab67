import { Agent, type Dispatcher } from 'undici';

export type ModelPoolOptions = {
  /** To connect, TLS included; milliseconds. */
  connectMs?: number;
  /** From the request's end to the answer's headers, and between two chunks of the answer; milliseconds. */
  silenceMs?: number;
};

/**
 * Connections to the model, kept open between requests and shared by sessions. Idle ones do not keep the process alive. It follows no redirect and decodes nothing.
 *
 * Claude Code bears any silence, for a call may be held back; so it is this pool that notices a model that has fallen silent.
 * Idle connections close after 30 s (or as the server announces), well before load balancers drop theirs unannounced.
 */
export function createModelPool({ connectMs = 10_000, silenceMs = 600_000 }: ModelPoolOptions = {}): Dispatcher {
  return new Agent({
    connect: { timeout: connectMs },
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    keepAliveTimeout: 30_000,
  });
}
