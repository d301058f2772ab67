import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function FilesView({ session }: { readonly session: Session; readonly store: SessionStore }) {
  return <p>Files of {session.id}</p>;
}
