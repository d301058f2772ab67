import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function Composer({ session, state }: { readonly session: Session; readonly state: SessionStore }) {
  return (
    <p>
      Writes to {session.id}: {state.waiting.value.length} wait
    </p>
  );
}
