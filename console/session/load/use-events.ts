import { useEffect } from 'preact/hooks';
import type { SessionEvent } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

/** Calls back when the session says one of these, as long as the component is there. @param heard must not change */
export function useEvents(store: SessionStore, types: readonly SessionEvent['type'][], heard: () => void): void {
  useEffect(
    () =>
      store.on(({ type }) => {
        if (types.includes(type)) heard();
      }),
    [store, heard],
  );
}
