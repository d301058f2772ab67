import { useEffect, useState } from 'preact/hooks';
import { bytesOf, type Decoded, savedName } from './image/bytes-of.ts';
import { pictureOf } from './image/picture.ts';
import { visibleText } from './text/visible.ts';
import './safe.css';

interface Props {
  readonly mediaType: string;
  readonly base64: string;
  /** What it is called, where it has a name: for whoever cannot see it, and for the download. */
  readonly name?: string;
}

/** A picture that an agent or its tool made: shown if it is a PNG, JPEG, GIF or WebP of a fair size, else a file to download. */
export function SafeImage({ mediaType, base64, name = '' }: Props) {
  const [made, setMade] = useState<Made | null>(null);
  useEffect(() => {
    const now = make(mediaType, base64);
    setMade(now);
    return () => {
      if (now.url !== '') URL.revokeObjectURL(now.url);
    };
  }, [mediaType, base64]);
  const label = name === '' ? 'Image' : visibleText(name);
  if (made === null) return <span class="safe-image">{label}</span>;
  if (made.is === 'picture')
    return (
      <span class="safe-image">
        <img
          src={made.url}
          width={made.width}
          height={made.height}
          alt={label}
          decoding="async"
          onError={() => setMade({ ...made, is: 'file', why: 'It cannot be shown' })}
        />
      </span>
    );
  return (
    <span class="safe-image">
      {made.why}: {visibleText(mediaType, 60)}
      {made.url !== '' && (
        <>
          {' '}
          <a class="safe-link" href={made.url} download={savedName(name, 'file.bin')}>
            Download
          </a>
        </>
      )}
    </span>
  );
}

type Made =
  | { readonly is: 'picture'; readonly url: string; readonly width: number; readonly height: number }
  | { readonly is: 'file'; readonly url: string; readonly why: string };

function make(mediaType: string, base64: string): Made {
  const bytes = bytesOf(base64);
  if (typeof bytes === 'string') return { is: 'file', url: '', why: WHY[bytes] };
  const picture = pictureOf(mediaType, bytes);
  if (!picture.ok) {
    // A browser that opens it in place of saving it sees bytes, not a document.
    const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    return { is: 'file', url, why: picture.why === 'size' ? 'Too large to be shown' : 'Not a picture that is shown' };
  }
  const url = URL.createObjectURL(new Blob([bytes], { type: picture.kind }));
  return { is: 'picture', url, width: picture.width, height: picture.height };
}

const WHY: Readonly<Record<Extract<Decoded, string>, string>> = {
  'too long': 'Too large to be shown',
  'not base64': 'Not a picture: its bytes are broken',
};
