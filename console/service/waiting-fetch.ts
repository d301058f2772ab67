import { effect } from '@preact/signals';
import { signedIn, signInRefused } from './sign-in.ts';

/**
 * `fetch`, but a call that is refused because nobody is signed in any more waits until somebody is, and is made once more: the page goes on
 * where it was.
 */
export async function waitingFetch(request: Request): Promise<Response> {
  for (;;) {
    // The answer to a call that has waited is for whoever has signed in; another person than before gets another page.
    const response = await fetch(request.clone());
    if (!(await isOfSignIn(response))) return response;
    signInRefused();
    await untilSignedIn(request.signal);
  }
}

/** Whether the sign-in is refused, and not what the call itself brings, such as a ticket. */
async function isOfSignIn(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const problem: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  if (typeof problem !== 'object' || problem === null || !('code' in problem)) return false;
  return typeof problem.code === 'string' && problem.code.startsWith('token_');
}

/** @throws the signal's reason */
function untilSignedIn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    const end = effect(() => {
      if (!signedIn.value) return;
      signal.removeEventListener('abort', abort);
      resolve();
      // What is read here may end it only once it has begun.
      queueMicrotask(() => end());
    });
  });
}
