import { VERSION } from '../../protocol/version.ts';
import type { PostOutcome, PostRequest } from './webhooks/post-types.ts';

/** How a post is made. */
export interface Posting {
  /** Makes the requests, and only to addresses that are allowed: the binding `WEBHOOKS`, or `publicInternet`. */
  readonly fetcher: Pick<Fetcher, 'fetch'>;
  /** How long a receiver may take to answer, milliseconds. */
  readonly timeoutMs: number;
}

/** For Cloudflare only: its `fetch` cannot reach private networks. Anywhere else it could. */
export const publicInternet: Pick<Fetcher, 'fetch'> = {
  fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
};

/** How long a receiver may take to answer, milliseconds. Redis has as long (`redis/client.ts`). */
export const POST_MS = 10_000;

/** Posts something once. @param shown the URL for people, in place of the real one */
export async function send(
  { url, headers: own, body }: PostRequest,
  shown: string,
  { fetcher, timeoutMs }: Posting,
): Promise<PostOutcome> {
  const headers = { ...own, 'user-agent': `CC-Docker/${VERSION}` };
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetcher.fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    const outcome = { status: answer.status, retry_after: answer.headers.get('retry-after') };
    // The body is not needed. It is never shown: it may come from a place that the session's owner cannot read.
    await answer.body?.cancel();
    return outcome;
  } catch (error) {
    return { status: null, why: signal.aborted ? tooSlow(timeoutMs) : describe(error).replaceAll(url, shown) };
  }
}

function tooSlow(timeoutMs: number): string {
  return `The receiver did not answer within ${timeoutMs / 1000} s.`;
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // workerd writes the reason only to its own log: a forbidden address, an unknown name, or a TLS failure.
  if (message.startsWith('internal error')) {
    return 'No connection: the name is not known, it leads to no address that may be reached (WEBHOOK_ALLOW), or TLS failed.';
  }
  return `No answer: ${message}`;
}
