import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function TerminalView({ session }: { readonly session: Session; readonly store: SessionStore }) {
  return <p>Terminal of {session.id}</p>;
}
