import { useEffect, useState } from 'preact/hooks';
import { IconButton } from '../../ui/button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { fullness, kindOf, problemOf } from './attachment.ts';
import type { Outgoing } from './outgoing.ts';

/** The files that go with the message, and how full it is. */
export function Attachments({ outgoing }: { readonly outgoing: Outgoing }) {
  const files = outgoing.files.value;
  if (files.length === 0) return null;
  return (
    <div>
      <ul class="composer-files" aria-label="Files of the message">
        {files.map((file, index) => (
          <li key={index} class={problemOf(file) === null ? 'composer-file' : 'composer-file composer-file-bad'}>
            {kindOf(file) === 'image' ? <Thumbnail file={file} /> : <Icon name="file" />}
            <span class="composer-file-name">{file.name}</span>
            <IconButton icon="close" label={`Take ${file.name} out`} onClick={() => outgoing.detach(file)} />
          </li>
        ))}
      </ul>
      <p class="composer-note">{fullness(outgoing.text.value, files)}</p>
    </div>
  );
}

/** Of a file that the person at this page has chosen. */
function Thumbnail({ file }: { readonly file: File }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url === null ? null : <img class="composer-thumbnail" src={url} alt="" />;
}
