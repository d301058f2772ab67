import type { Session } from '../../../client/main.ts';
import type { SessionStore } from '../session-store.ts';

export function ArtifactsView({ session }: { readonly session: Session; readonly store: SessionStore }) {
  return <p>Artifacts of {session.id}</p>;
}
