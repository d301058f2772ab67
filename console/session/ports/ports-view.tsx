import type { Session } from '../../../client/main.ts';

export function PortsView({ session }: { readonly session: Session }) {
  return <p>Ports of {session.id}</p>;
}
