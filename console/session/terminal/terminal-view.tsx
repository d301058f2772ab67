import type { Session } from '../../../client/main.ts';

export function TerminalView({ session }: { readonly session: Session }) {
  return <p>Terminal of {session.id}</p>;
}
