import type { Session } from '../../../client/main.ts';

export function ChangesView({ session }: { readonly session: Session }) {
  return <p>Changes of {session.id}</p>;
}
