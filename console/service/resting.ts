import { signal } from '@preact/signals';

/** After so long unseen a tab rests, milliseconds. */
const REST_AFTER_MS = 30_000;
const LOCK = 'cc-docker.unseen-feed';

/** Whether this tab follows nothing at the moment, because nobody sees it. */
export const isResting = signal(false);

/**
 * Has tabs that nobody sees rest. Over HTTP/1.1 a browser opens six connections to a service, for all tabs together: with six tabs
 * that each follow the feed, nothing else would go through. One unseen tab goes on, for the number on the app's icon.
 *
 * @param rest it is to let go of its connection
 * @returns what ends that
 */
export function restUnseen(rest: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let seen: (() => void) | undefined;
  const change = () => {
    clearTimeout(timer);
    seen?.();
    if (document.visibilityState === 'hidden') {
      const isSeen = Promise.withResolvers<void>();
      seen = isSeen.resolve;
      timer = setTimeout(() => void begin(isSeen.promise), REST_AFTER_MS);
    } else isResting.value = false;
  };
  const begin = async (isSeen: Promise<void>) => {
    if (await goesOn(isSeen)) return;
    if (document.visibilityState === 'visible') return;
    isResting.value = true;
    rest();
  };
  document.addEventListener('visibilitychange', change);
  change();
  return () => {
    document.removeEventListener('visibilitychange', change);
    clearTimeout(timer);
    seen?.();
    isResting.value = false;
  };
}

/** Whether this is the unseen tab that goes on, until it is seen. (A page without TLS has no locks: there all rest.) */
async function goesOn(isSeen: Promise<void>): Promise<boolean> {
  if (!('locks' in navigator)) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  void navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    resolve(lock !== null);
    if (lock !== null) await isSeen;
  });
  return await promise;
}

/** Waits until the tab is seen, if it rests. */
export async function untilAwake(signal: AbortSignal): Promise<void> {
  if (!isResting.value || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = isResting.subscribe((resting) => {
    if (!resting) resolve();
  });
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  end();
}
