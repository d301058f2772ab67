import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { CcDockerError } from '../../../client/main.ts';

/** What is asked of the service, as far as it is here. */
export interface Loaded<T> {
  /** The newest answer; null: none yet. It stays while another one is asked for, and when that fails. */
  readonly data: T | null;
  /** Why the newest try failed. */
  readonly error: CcDockerError | null;
  readonly isLoading: boolean;
  /** Asks again. While an answer is on its way, once more after it, however often this is called. */
  readonly reload: () => void;
}

/**
 * Asks the service, at first and when it is told to. What is asked for must not change during a component's life: give a component
 * that asks for another thing another `key`.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ data: null, error: null, isLoading: true });
  const latest = useRef(load);
  latest.current = load;
  const asking = useRef<{ end: AbortController; isStale: boolean; isRunning: boolean } | null>(null);
  const run = useCallback(async () => {
    const now = asking.current;
    if (now === null) return;
    now.isStale = true;
    if (now.isRunning) return;
    now.isRunning = true;
    while (now.isStale && !now.end.signal.aborted) {
      now.isStale = false;
      setState((before) => ({ ...before, isLoading: true }));
      try {
        const data = await latest.current(now.end.signal);
        if (!now.end.signal.aborted) setState({ data, error: null, isLoading: false });
      } catch (error) {
        if (now.end.signal.aborted) break;
        if (!(error instanceof CcDockerError)) throw error;
        setState((before) => ({ data: before.data, error, isLoading: false }));
      }
    }
    now.isRunning = false;
  }, []);
  useEffect(() => {
    const now = { end: new AbortController(), isStale: false, isRunning: false };
    asking.current = now;
    void run();
    return () => {
      asking.current = null;
      now.end.abort();
    };
  }, [run]);
  return { ...state, reload: useCallback(() => void run(), [run]) };
}
