import { useMemo, useState } from 'preact/hooks';
import { FileName } from '../file-name.tsx';
import { ShownText } from '../text/shown-text.tsx';
import { cutAt, visibleText } from '../text/visible.ts';
import { compared } from './compare.ts';
import { DiffHunk } from './diff-hunk.tsx';
import { type FileDiff, sizeOf } from './lines.ts';
import { readPatch } from './read-patch.ts';
import '../safe.css';
import './diff.css';

type Props = { readonly patch: string } | { readonly before: string; readonly after: string; readonly path?: string };

/** Of a patch's text. What is behind it is as long as two novels. */
const MAX_PATCH = 1_000_000;
/** Files and lines that are drawn at once. */
const MAX_FILES = 50;
const MAX_LINES = 300;

/** What has changed: a unified patch, or two texts. Numbers of both sides, and the words that differ in a changed line. */
export function Diff(props: Props) {
  const { patch, before, after, path } = { patch: null, before: '', after: '', path: null, ...props };
  const files = useMemo(() => {
    if (patch !== null) return readPatch(cutAt(patch, MAX_PATCH));
    const file = compared(before, after, path);
    return file === null ? [] : [file];
  }, [patch, before, after, path]);
  const [shown, setShown] = useState(MAX_FILES);
  if (files.length === 0) return <p class="safe-rest">Nothing has changed</p>;
  return (
    <div class="diff">
      {files.slice(0, shown).map((file, index) => (
        <OneFile key={index} file={file} />
      ))}
      {files.length > shown && (
        <button type="button" class="safe-more" onClick={() => setShown(shown * 4)}>
          Show more ({files.length - shown} files)
        </button>
      )}
      {patch !== null && patch.length > MAX_PATCH && <p class="safe-rest">… and more than can be shown here</p>}
    </div>
  );
}

function OneFile({ file }: { readonly file: FileDiff }) {
  const [max, setMax] = useState(MAX_LINES);
  const { added, removed } = sizeOf(file);
  const total = file.hunks.reduce((sum, { lines }) => sum + lines.length, 0);
  let left = max;
  return (
    <div role="group" class="safe-block" aria-label={file.path === null ? 'Changes' : visibleText(file.path)}>
      <div class="safe-block-head diff-head">
        <span>
          {file.oldPath !== null && (
            <>
              <FileName path={file.oldPath} /> →{' '}
            </>
          )}
          {file.path !== null && <FileName path={file.path} />}
        </span>
        {added + removed > 0 && (
          <span>
            <span class="diff-added">+{added}</span> <span class="diff-removed">−{removed}</span>
          </span>
        )}
      </div>
      {file.notes.length > 0 && (
        <p class="diff-notes">
          <ShownText text={cutAt(file.notes.slice(0, 20).join('\n'), 1000)} />
        </p>
      )}
      {file.hunks.map((hunk, index) => {
        const lines = hunk.lines.slice(0, Math.max(0, left));
        left -= hunk.lines.length;
        return lines.length === 0 ? null : (
          <DiffHunk key={index} title={hunk.title} lines={lines} isFirst={index === 0} />
        );
      })}
      {total > max && (
        <button type="button" class="safe-more" onClick={() => setMax(max * 4)}>
          Show more ({total - max} lines)
        </button>
      )}
    </div>
  );
}
