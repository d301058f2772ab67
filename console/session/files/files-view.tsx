import type { Session } from '../../../client/main.ts';

export function FilesView({ session }: { readonly session: Session }) {
  return <p>Files of {session.id}</p>;
}
