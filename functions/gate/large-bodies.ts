/** From so many bytes on a body is large: to parse it and to store what it says takes the processor for some milliseconds. */
const LARGE_BYTES = 128 * 1024;
/** After so long, milliseconds, a call whose answer takes longer has stored what its body says, and waits for the agent. */
const TURN_MS = 200;
/** A turn that was not ended by then never is: the platform ends a call whose client has gone. Milliseconds. */
const GONE_MS = 2_000;

/** The turn that was given last, by owner: resolves at its end to how long it took, milliseconds. */
const turns = new Map<string, Promise<number>>();

/**
 * Waits for the owner's turn to have a large body parsed: one after another, so that one owner's bodies do not keep all others waiting
 * at once. Before each there is as much time as the one before it took: the calls of others go through the processor several times. A small
 * body does not wait.
 *
 * @returns ends the turn. It ends by itself when the call goes on for longer than such a body takes
 */
export async function turnOf(owner: string, bytes: number): Promise<() => void> {
  if (bytes < LARGE_BYTES) return () => {};
  const before = turns.get(owner);
  const { promise, resolve } = Promise.withResolvers<number>();
  turns.set(owner, promise);
  if (before !== undefined) {
    const took = await within(GONE_MS, before);
    if (took > 0) await new Promise((resume) => setTimeout(resume, Math.min(TURN_MS, took)));
  }
  const begun = Date.now();
  const timer = setTimeout(end, TURN_MS);
  function end() {
    clearTimeout(timer);
    resolve(Date.now() - begun);
    if (turns.get(owner) === promise) turns.delete(owner);
  }
  return end;
}

/** @returns what it resolves to; 0 if it has not by then */
async function within(ms: number, what: Promise<number>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const timer = setTimeout(() => resolve(0), ms);
  const value = await Promise.race([what, promise]);
  clearTimeout(timer);
  return value;
}
