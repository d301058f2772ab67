import { keepKeyForWorker } from './key-for-worker.ts';

const NAME = 'cc-docker.page-key';

let known: string | null = null;

/**
 * The key of this origin's pages. The browser's session is bound to it: the cookie alone, which every port of the host is sent, is worth
 * nothing, and nobody can put people into a sign-in of theirs by setting it.
 */
export function pageKey(): string {
  known ??= localStorage.getItem(NAME) ?? made();
  return known;
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
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pageKey())));
  const text = btoa(String.fromCharCode(...hash));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The worker, which reads nothing of `localStorage`, has it too. */
export const shareKeyWithWorker = (): Promise<void> => keepKeyForWorker(pageKey());
