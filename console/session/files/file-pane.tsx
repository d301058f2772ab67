import { useEffect } from 'preact/hooks';
import type { Session } from '../../../client/main.ts';
import { FileName } from '../../safe/file-name.tsx';
import { visibleText } from '../../safe/text/visible.ts';
import { IconButton } from '../../ui/button.tsx';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Failed } from '../load/failed.tsx';
import { useLoad } from '../load/use-load.ts';
import { bytesText } from '../save/bytes-text.ts';
import { save } from '../save/save.ts';
import { FileContent } from './file-content.tsx';
import type { FileTree } from './file-tree.ts';
import { openFile } from './open-file.ts';
import { below, fileHref, folderOf, nameOf } from './tree.ts';

interface Props {
  readonly session: Session;
  readonly path: string;
  /** Counts up when files may have changed. */
  readonly worked: number;
  readonly remove: () => void;
  readonly tree: FileTree;
}

/** One file: what is in it, and what can be done with it. */
export function FilePane({ session, path, worked, remove, tree }: Props) {
  const { data, error, reload } = useLoad((signal) => openFile((options) => session.files.read(path, options), signal));
  useEffect(reload, [worked]);
  const isFolder = error?.code === 'not_a_file';
  useEffect(() => {
    if (isFolder) void tree.openFolder(path);
  }, [isFolder]);
  const download = () =>
    void save({
      name: nameOf(path),
      size: data?.size ?? null,
      read: () => session.files.read(path),
      address: () => session.files.address(path),
    });
  return (
    <section class="files-file" aria-label={visibleText(path)}>
      <header class="files-head">
        <a
          class="files-back ui-button ui-button-quiet ui-icon-button"
          href={fileHref(session.id, '')}
          title="All files"
        >
          <Icon name="back" />
          <span class="visually-hidden">All files</span>
        </a>
        <h2>
          <FileName path={path} />
        </h2>
        {data?.size !== undefined && data.size !== null && <span class="files-quiet">{bytesText(data.size)}</span>}
        {!isFolder && <IconButton icon="download" label="Download" onClick={download} />}
        <IconButton icon="trash" label="Delete" onClick={remove} />
      </header>
      {isFolder ? (
        <EmptyState icon="folder" title="This is a folder">
          <p>The tree shows what is in it.</p>
        </EmptyState>
      ) : error !== null ? (
        <Failed title="The file could not be loaded" error={error} again={reload} />
      ) : data === null ? (
        <Loading what="the file" />
      ) : (
        <FileContent
          path={path}
          file={data}
          download={download}
          hrefOfPath={(link) => fileHref(session.id, below(folderOf(path), link))}
        />
      )}
    </section>
  );
}
