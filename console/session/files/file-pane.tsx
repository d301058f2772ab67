import { lazy } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { Session } from '../../../client/main.ts';
import { Code } from '../../safe/code.tsx';
import { FileName } from '../../safe/file-name.tsx';
import { SafeImage } from '../../safe/safe-image.tsx';
import { visibleText } from '../../safe/text/visible.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import { Failed } from '../load/failed.tsx';
import { useLoad } from '../load/use-load.ts';
import { bytesText } from '../save/bytes-text.ts';
import { save } from '../save/save.ts';
import type { FileTree } from './file-tree.ts';
import { openFile, type OpenFile } from './open-file.ts';
import { below, fileHref, folderOf, nameOf } from './tree.ts';

const Markdown = lazy(() => import('../../safe/markdown/markdown.tsx').then((file) => file.Markdown));

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
  const { data, error, reload } = useLoad((signal) => openFile(session, path, signal));
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
        <a class="files-back ui-button ui-button-quiet" href={fileHref(session.id, '')}>
          All files
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
        <Content session={session} path={path} file={data} download={download} />
      )}
    </section>
  );
}

interface ContentProps {
  readonly session: Session;
  readonly path: string;
  readonly file: OpenFile;
  readonly download: () => void;
}

function Content({ session, path, file, download }: ContentProps) {
  const isMarkdown = /\.(md|markdown)$/i.test(path);
  const [isSource, setIsSource] = useState(!isMarkdown);
  const { shown, base64 } = file;
  if (shown.kind === 'image' && base64 !== null)
    return <SafeImage mediaType={shown.mediaType} base64={base64} name={nameOf(path)} />;
  if (shown.kind !== 'text')
    return (
      <EmptyState icon="file" title={shown.kind === 'image' ? 'A large image' : 'Not a text'}>
        <p>It is not shown here.</p>
        <Button icon="download" onClick={download}>
          Download
        </Button>
      </EmptyState>
    );
  return (
    <>
      {file.isCut && (
        <p class="files-quiet">
          Only its beginning is shown.{' '}
          <Button kind="quiet" icon="download" onClick={download}>
            Download all
          </Button>
        </p>
      )}
      {isMarkdown && (
        <Button kind="quiet" pressed={isSource} onClick={() => setIsSource(!isSource)}>
          Source
        </Button>
      )}
      {shown.text === '' ? (
        <p class="files-quiet">The file is empty.</p>
      ) : isSource ? (
        <Code text={shown.text} language={/\.(\w{1,12})$/.exec(path)?.[1] ?? ''} />
      ) : (
        <Markdown text={shown.text} hrefOfPath={(link) => fileHref(session.id, below(folderOf(path), link))} />
      )}
    </>
  );
}
