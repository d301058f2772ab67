import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function Composer({ session, store }: { readonly session: Session; readonly store: SessionStore }) {
  return (
    <p>
      Writes to {session.id}: {store.waiting.value.length} wait
    </p>
  );
}
