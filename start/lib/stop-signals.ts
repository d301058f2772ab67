/** npm passes a Ctrl-C on that the terminal has already sent to everybody: within this time it is the same one, ms. */
const SAME_KEYPRESS_MS = 500;
/** How soon it shows that npm is gone, milliseconds. */
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
 * Listens for the signals by which a person or a supervisor ends the service, twice when it takes too long. Under npm,
 * that npm is gone is such a signal too: the shell between them keeps a SIGTERM to itself.
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
