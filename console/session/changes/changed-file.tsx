import { useEffect, useRef } from 'preact/hooks';
import type { FileChange } from '../../../client/main.ts';
import { laterPage } from '../../loading/later.tsx';
import { FileName } from '../../safe/file-name.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Icon } from '../../ui/icon.tsx';
import { fileHref } from '../files/tree.ts';
import { bytesText } from '../save/bytes-text.ts';
import type { FilePatch } from './patch.ts';

const Diff = laterPage('change', () => import('../../safe/diff/diff.tsx').then((file) => file.Diff));

interface Props {
  readonly sessionId: string;
  readonly file: FileChange;
  /** Null: the patch does not have it, as of a file that nobody may read. */
  readonly patch: FilePatch | null;
  readonly isOpen: boolean;
  /** The address names it. */
  readonly isAsked: boolean;
  readonly toggle: () => void;
}

const TONES = { added: 'good', modified: 'neutral', deleted: 'bad' } as const;

/** A file that has changed: a line that says how much, and opened, the change. */
export function ChangedFile({ sessionId, file, patch, isOpen, isAsked, toggle }: Props) {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isAsked) row.current?.scrollIntoView({ block: 'start' });
  }, [isAsked]);
  return (
    <li ref={row} class="changes-file">
      <button type="button" class="changes-line" aria-expanded={isOpen} onClick={toggle}>
        <span class={isOpen ? 'changes-chevron changes-chevron-open' : 'changes-chevron'}>
          <Icon name="chevron" />
        </span>
        <FileName path={file.path} />
        {patch !== null && patch.added + patch.removed > 0 && (
          <span class="changes-counts">
            <span class="changes-added">+{patch.added}</span> <span class="changes-removed">−{patch.removed}</span>
          </span>
        )}
        {file.change !== 'modified' && <Badge tone={TONES[file.change]}>{file.change}</Badge>}
      </button>
      {isOpen && (
        <div class="changes-body">
          {file.change !== 'deleted' && (
            <p>
              <a href={fileHref(sessionId, file.path)}>Open the file</a> {sizeText(file)}
            </p>
          )}
          {patch === null ? <p>{withoutPatch(file)}</p> : <Diff patch={patch.text} />}
        </div>
      )}
    </li>
  );
}

function sizeText({ old_size: before, new_size: after }: FileChange): string {
  if (after === null) return '';
  return before === null || before === after ? bytesText(after) : `${bytesText(before)} → ${bytesText(after)}`;
}

function withoutPatch({ unreadable, old_mode: before, new_mode: after }: FileChange): string {
  if (unreadable === true) return 'Its permissions keep the service out, so what has changed is not known.';
  return before !== null && after !== null && before !== after
    ? `Its permissions have changed from ${before} to ${after}.`
    : 'There is nothing to show of it.';
}
