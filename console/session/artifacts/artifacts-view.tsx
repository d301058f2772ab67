import type { Session } from '../../../client/main.ts';

export function ArtifactsView({ session }: { readonly session: Session }) {
  return <p>Artifacts of {session.id}</p>;
}
