import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { all, type Artifact } from '../../../client/main.ts';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import { SafeText } from '../../safe/safe-text.tsx';
import { Deletion } from '../load/deletion.tsx';
import { Failed } from '../load/failed.tsx';
import { useEvents } from '../load/use-events.ts';
import { useLoad } from '../load/use-load.ts';
import { save } from '../save/save.ts';
import type { ViewProps } from '../view-props.ts';
import { ArtifactCard } from './artifact-card.tsx';
import './artifacts.css';

/** Files that the agent has given to people. `?artifact=` names the one that is shown. */
export function ArtifactsView({ session, store }: ViewProps) {
  const location = useLocation();
  const shown = location.query['artifact'] ?? null;
  const { data, error, reload } = useLoad((signal) => all(session.artifacts({ signal })));
  useEvents(store, HEARD, reload);
  const [doomed, setDoomed] = useState<Artifact | null>(null);
  if (data === null)
    return error === null ? (
      <Loading what="the artifacts" />
    ) : (
      <Failed title="The artifacts could not be loaded" error={error} again={reload} />
    );
  if (data.length === 0)
    return (
      <EmptyState icon="archive" title="No artifacts">
        <p>What the agent shares with you stays here, as it was at that moment.</p>
      </EmptyState>
    );
  return (
    <section class="artifacts" aria-label="Artifacts">
      <ul class="artifacts-list">
        {data.toReversed().map((artifact) => (
          <ArtifactCard
            key={artifact.artifact_id}
            session={session}
            artifact={artifact}
            isShown={artifact.artifact_id === shown}
            download={() =>
              void save({
                name: artifact.name,
                size: artifact.bytes,
                read: () => session.files.artifact(artifact.artifact_id),
                address: () => session.files.artifactAddress(artifact.artifact_id),
              })
            }
            remove={() => setDoomed(artifact)}
          />
        ))}
      </ul>
      <Deletion
        of={doomed}
        title="Delete the artifact?"
        action="Delete"
        run={({ artifact_id: id }) => session.files.removeArtifact(id)}
        onClose={() => setDoomed(null)}
        onDeleted={reload}
      >
        {({ name }) => (
          <p>
            The copy of <SafeText text={name} line /> is deleted for good. The file in the workspace, if it is still
            there, stays.
          </p>
        )}
      </Deletion>
    </section>
  );
}

const HEARD = ['session.artifact'] as const;
