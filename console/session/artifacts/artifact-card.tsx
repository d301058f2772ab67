import type { Artifact, Session } from '../../../client/main.ts';
import { SafeText } from '../../safe/safe-text.tsx';
import { visibleText } from '../../safe/text/visible.ts';
import { IconButton } from '../../ui/button.tsx';
import { Loading } from '../../ui/empty-state.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { FileContent } from '../files/file-content.tsx';
import { openFile } from '../files/open-file.ts';
import { Failed } from '../load/failed.tsx';
import { useLoad } from '../load/use-load.ts';
import { bytesText } from '../save/bytes-text.ts';

interface Props {
  readonly session: Session;
  readonly artifact: Artifact;
  readonly isShown: boolean;
  readonly download: () => void;
  readonly remove: () => void;
}

/** An artifact, and its content when its name is followed. */
export function ArtifactCard({ session, artifact, isShown, download, remove }: Props) {
  const { artifact_id: id, name, description, bytes, created_at: at } = artifact;
  const href = `/sessions/${session.id}/artifacts${isShown ? '' : `?artifact=${id}`}`;
  return (
    <li class="artifacts-card">
      <div class="artifacts-line">
        <div class="artifacts-what">
          <a href={href} aria-expanded={isShown}>
            <SafeText text={name} line max={200} />
          </a>
          <p class="artifacts-quiet">
            {bytesText(bytes)}, <RelativeTime at={at} />
          </p>
        </div>
        <IconButton icon="download" label={`Download ${visibleText(name, 100)}`} onClick={download} />
        <IconButton icon="trash" label={`Delete ${visibleText(name, 100)}`} onClick={remove} />
      </div>
      {description !== null && (
        <p>
          <SafeText text={description} />
        </p>
      )}
      {isShown && <Content session={session} artifact={artifact} download={download} />}
    </li>
  );
}

function Content({ session, artifact, download }: Pick<Props, 'session' | 'artifact' | 'download'>) {
  const { data, error, reload } = useLoad((signal) =>
    openFile((options) => session.files.artifact(artifact.artifact_id, options), signal),
  );
  if (error !== null) return <Failed title="The artifact could not be loaded" error={error} again={reload} />;
  if (data === null) return <Loading what="the artifact" />;
  return <FileContent path={artifact.name} file={data} download={download} hrefOfPath={nowhere} />;
}

/** An artifact is by itself: what it links to stays in the workspace. */
const nowhere = () => null;
