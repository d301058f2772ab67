import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { FileChange } from '../../../client/main.ts';
import { IconButton } from '../../ui/button.tsx';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import { Failed } from '../load/failed.tsx';
import { useLoad } from '../load/use-load.ts';
import { copy } from '../save/copy.ts';
import { saveBytes } from '../save/save.ts';
import type { ViewProps } from '../view-props.ts';
import { ChangedFile } from './changed-file.tsx';
import { byFile, type FilePatch } from './patch.ts';
import './changes.css';

/** So few are shown opened. */
const FEW = 4;

/** What has changed in the workspace since the session began, by file. `?path=` names one that is opened. */
export function ChangesView({ session, store }: ViewProps) {
  const asked = useLocation().query['path'] ?? null;
  const { data, error, reload } = useLoad(async (signal) => {
    const [files, patch] = await Promise.all([session.files.diff({ signal }), session.files.patch({ signal })]);
    return { files: files.filter(({ type }) => type !== 'directory'), patch };
  });
  const worked = store.worked.value;
  useEffect(reload, [worked]);
  const patches = useMemo(() => byFile(data?.patch ?? ''), [data]);
  /** Those that somebody has opened or closed. */
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map());
  if (data === null)
    return error === null ? (
      <Loading what="the changes" />
    ) : (
      <Failed title="The changes could not be loaded" error={error} again={reload} />
    );
  const { files, patch } = data;
  const isOpen = (path: string) => chosen.get(path) ?? (path === asked || (asked === null && files.length <= FEW));
  return (
    <section class="changes" aria-label="Changes">
      <header class="changes-head">
        <h2>Changes</h2>
        <p class="changes-sum">{sumOf(files, patches)}</p>
        {files.length > 0 && (
          <>
            <IconButton icon="copy" label="Copy patch" onClick={() => void copy(patch)} />
            <IconButton
              icon="download"
              label="Download patch"
              onClick={() => saveBytes(`${session.id}.patch`, patch)}
            />
          </>
        )}
      </header>
      {error !== null && <p class="changes-stale">This may be old: {error.detail}</p>}
      {files.length === 0 && (
        <EmptyState icon="file" title="Nothing has changed">
          <p>Files that the agent writes, changes or deletes are shown here.</p>
        </EmptyState>
      )}
      <ul class="changes-files">
        {files.map((file) => (
          <ChangedFile
            key={file.path}
            sessionId={session.id}
            file={file}
            patch={patches.get(file.path) ?? null}
            isOpen={isOpen(file.path)}
            isAsked={file.path === asked}
            toggle={() => setChosen(new Map(chosen).set(file.path, !isOpen(file.path)))}
          />
        ))}
      </ul>
    </section>
  );
}

function sumOf(files: readonly FileChange[], patches: ReadonlyMap<string, FilePatch>): string {
  const all = [...patches.values()];
  const added = all.reduce((sum, patch) => sum + patch.added, 0);
  const removed = all.reduce((sum, patch) => sum + patch.removed, 0);
  return files.length === 0 ? '' : `${files.length} ${files.length === 1 ? 'file' : 'files'}, +${added} −${removed}`;
}
