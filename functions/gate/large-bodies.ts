/** From so many bytes on a body is large: to parse it and to store what it says takes the processor for some milliseconds. */
const LARGE_BYTES = 128 * 1024;
/** After so long, milliseconds, a call whose answer takes longer has stored what its body says, and waits for the agent. */
const TURN_MS = 200;
/** A turn that was not ended by then never is: the platform ends a call whose client has gone. Milliseconds. */
const GONE_MS = 2_000;

/** The turn that was given last, by owner: resolves at its end. */
const turns = new Map<string, Promise<void>>();

/**
 * Waits for the owner's turn to have a large body parsed: one after another, so that one owner's bodies do not keep all others waiting
 * at once. A small one does not wait.
 *
 * @returns ends the turn. It ends by itself when the call goes on for longer than such a body takes
 */
export async function turnOf(owner: string, bytes: number): Promise<() => void> {
  if (bytes < LARGE_BYTES) return () => {};
  const before = turns.get(owner);
  const { promise, resolve } = Promise.withResolvers<void>();
  turns.set(owner, promise);
  if (before !== undefined) await within(GONE_MS, before);
  const timer = setTimeout(end, TURN_MS);
  function end() {
    clearTimeout(timer);
    resolve();
    if (turns.get(owner) === promise) turns.delete(owner);
  }
  return end;
}

async function within(ms: number, what: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([what, promise]);
  clearTimeout(timer);
}
