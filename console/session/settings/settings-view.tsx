import type { Session } from '../../../client/main.ts';

export function SettingsView({ session }: { readonly session: Session }) {
  return <p>Settings of {session.id}</p>;
}
