import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { FileName } from '../../safe/file-name.tsx';
import { Deletion } from '../load/deletion.tsx';
import type { ViewProps } from '../view-props.ts';
import { FilePane } from './file-pane.tsx';
import { FileTree } from './file-tree.ts';
import { TreePane } from './tree-pane.tsx';
import { folderOf, fileHref } from './tree.ts';
import { UploadList } from './upload-list.tsx';
import { Uploads } from './uploads.ts';
import './files.css';

/** The workspace's files: the tree, and the file whose path is in the address. */
export function FilesView({ session, store }: ViewProps) {
  const location = useLocation();
  const path = location.query['path'] ?? '';
  const end = useMemo(() => new AbortController(), [session]);
  const tree = useMemo(() => new FileTree(session, end.signal), [session]);
  const uploads = useMemo(() => new Uploads(session, () => tree.reload()), [session]);
  /** What is to be deleted, after a question. */
  const [doomed, setDoomed] = useState<string | null>(null);
  useEffect(() => () => end.abort(), [end]);
  useEffect(() => {
    void tree.openFolder('');
    void tree.open(path);
  }, [tree, path]);
  const worked = store.worked.value;
  useEffect(() => tree.reload(), [tree, worked]);
  const deleted = (what: string) => {
    tree.reload();
    if (path === what || path.startsWith(`${what}/`)) location.route(fileHref(session.id, folderOf(what)), true);
  };
  return (
    <section class="files" aria-label="Files">
      <div class={path === '' ? 'files-parts' : 'files-parts files-with-file'}>
        <TreePane session={session} tree={tree} uploads={uploads} path={path} remove={setDoomed} />
        <div class="files-pane">
          <UploadList uploads={uploads} />
          {path !== '' && (
            <FilePane
              key={path}
              session={session}
              path={path}
              worked={worked}
              remove={() => setDoomed(path)}
              tree={tree}
            />
          )}
          {path === '' && <p class="files-hint">Choose a file to see it here.</p>}
        </div>
      </div>
      <Deletion
        of={doomed}
        title="Delete it?"
        action="Delete"
        run={(what) => session.files.remove(what, { recursive: true })}
        onClose={() => setDoomed(null)}
        onDeleted={deleted}
      >
        {(what) => (
          <p>
            <FileName path={what} /> is deleted from the workspace, with all that is in it.
          </p>
        )}
      </Deletion>
    </section>
  );
}
