import { useState } from 'preact/hooks';
import { laterPage } from '../../loading/later.tsx';
import { Code } from '../../safe/code.tsx';
import { SafeImage } from '../../safe/safe-image.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import type { OpenFile } from './open-file.ts';
import { nameOf } from './tree.ts';

const Markdown = laterPage('page', () => import('../../safe/markdown/markdown.tsx').then((file) => file.Markdown));

interface Props {
  readonly path: string;
  readonly file: OpenFile;
  readonly download: () => void;
  /** Where a link of Markdown to another file leads; null: nowhere. */
  readonly hrefOfPath: (path: string) => string | null;
}

/** What is in a file, as far as it can be shown. */
export function FileContent({ path, file, download, hrefOfPath }: Props) {
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
        <Button class="files-source" pressed={isSource} onClick={() => setIsSource(!isSource)}>
          Source
        </Button>
      )}
      {shown.text === '' ? (
        <p class="files-quiet">The file is empty.</p>
      ) : isSource ? (
        <Code text={shown.text} language={/\.(\w{1,12})$/.exec(path)?.[1] ?? ''} />
      ) : (
        <Markdown text={shown.text} hrefOfPath={hrefOfPath} />
      )}
    </>
  );
}
