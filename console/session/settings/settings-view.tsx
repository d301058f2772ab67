import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function SettingsView({ session }: { readonly session: Session; readonly store: SessionStore }) {
  return <p>Settings of {session.id}</p>;
}
