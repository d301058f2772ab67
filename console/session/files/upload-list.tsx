import { FileName } from '../../safe/file-name.tsx';
import { SafeText } from '../../safe/safe-text.tsx';
import { visibleText } from '../../safe/text/visible.ts';
import { IconButton } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { bytesText } from '../save/bytes-text.ts';
import type { Upload, Uploads } from './uploads.ts';

/** Files on their way into the workspace, and those that have arrived or failed. */
export function UploadList({ uploads }: { readonly uploads: Uploads }) {
  const list = uploads.list.value;
  if (list.length === 0) return null;
  return (
    <ul class="files-uploads" aria-label="Uploads">
      {list.map((upload) => (
        <li key={upload.id} class="files-upload">
          <div class="files-upload-what">
            <FileName path={upload.path} />
            <How upload={upload} />
          </div>
          <IconButton
            icon="close"
            label={`${isOver(upload) ? 'Hide' : 'Stop'} the upload of ${visibleText(upload.path, 60)}`}
            onClick={() => uploads.remove(upload.id)}
          />
        </li>
      ))}
    </ul>
  );
}

const isOver = ({ state }: Upload) => state === 'done' || state === 'failed';

function How({ upload }: { readonly upload: Upload }) {
  switch (upload.state) {
    case 'waiting':
      return <span class="files-quiet">waits</span>;
    case 'sending':
      return (
        <>
          <progress max={upload.size} value={upload.sent} aria-label={`Upload of ${visibleText(upload.path, 60)}`} />
          <span class="files-quiet">
            {bytesText(upload.sent)} of {bytesText(upload.size)}
          </span>
        </>
      );
    case 'done':
      return (
        <span class="files-good">
          <Icon name="check" /> uploaded
        </span>
      );
    default:
      return (
        <span class="files-bad" role="alert">
          <SafeText text={upload.problem ?? ''} />
        </span>
      );
  }
}
