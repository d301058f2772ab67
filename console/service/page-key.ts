import { forgetKeyOfWorker, keepKeyForWorker } from './key-for-worker.ts';

const NAME = 'cc-docker.page-key';

/**
 * The key of this origin's pages; null: nobody has signed in here. The browser's session is bound to it: the cookie alone, which every port of
 * the host is sent, is worth nothing, and nobody can put people into a sign-in of theirs by setting it.
 */
export const pageKey = (): string | null => localStorage.getItem(NAME);

/** Makes the key, if there is none. The worker, which reads nothing of `localStorage`, has it too. */
export async function makePageKey(): Promise<string> {
  const key = pageKey() ?? made();
  await keepKeyForWorker(key);
  return key;
}

/** The worker has the key as well, also after the browser has removed what the worker reads, and kept the rest. */
export async function sharePageKey(): Promise<void> {
  const key = pageKey();
  if (key !== null) await keepKeyForWorker(key);
}

function made(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  const key = btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  localStorage.setItem(NAME, key);
  return key;
}

/** What the provider's sign-in is bound to: the SHA-256 of the key, in base64url. */
export async function pageKeyHash(): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(await makePageKey()));
  const text = btoa(String.fromCharCode(...new Uint8Array(hash)));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Whoever signs in next has another. */
export async function forgetPageKey(): Promise<void> {
  localStorage.removeItem(NAME);
  await forgetKeyOfWorker();
}
