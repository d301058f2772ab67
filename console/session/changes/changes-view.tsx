import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function ChangesView({ session }: { readonly session: Session; readonly store: SessionStore }) {
  return <p>Changes of {session.id}</p>;
}
