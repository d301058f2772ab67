/**
 * A second SIGINT within this time is the same Ctrl-C: the terminal sends it to everybody, and npm passes it on.
 * Milliseconds.
 */
const SAME_KEYPRESS_MS = 500;
/** Milliseconds between two checks whether npm is gone. */
const PARENT_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopSignals {
  /** Aborts at the first signal. */
  readonly first: AbortSignal;
  /** Aborts at the second. */
  readonly second: AbortSignal;
  release(): void;
}

/**
 * Listens for the signals by which a person or a supervisor ends the service, or hurries it with a second one. Under npm, the
 * end of npm counts as a signal too: the shell between npm and this process does not pass a SIGTERM on.
 */
export function listenForStop(underNpm: boolean): StopSignals {
  const first = new AbortController();
  const second = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    if (!first.signal.aborted) {
      firstAt = performance.now();
      first.abort();
    } else if (performance.now() - firstAt >= SAME_KEYPRESS_MS) {
      second.abort();
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const parent = process.ppid;
  const watch = underNpm ? setInterval(() => process.ppid !== parent && first.abort(), PARENT_MS) : undefined;
  return {
    first: first.signal,
    second: second.signal,
    release: () => {
      clearInterval(watch);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
