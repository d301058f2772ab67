import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function PortsView({ session }: { readonly session: Session; readonly store: SessionStore }) {
  return <p>Ports of {session.id}</p>;
}
