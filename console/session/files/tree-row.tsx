import { FileName } from '../../safe/file-name.tsx';
import { SafeText } from '../../safe/safe-text.tsx';
import { visibleText } from '../../safe/text/visible.ts';
import { Icon } from '../../ui/icon.tsx';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import { bytesText } from '../save/bytes-text.ts';
import { fileHref, nameOf, type Row } from './tree.ts';

interface Props {
  readonly row: Row;
  readonly sessionId: string;
  readonly isCurrent: boolean;
  readonly toggle: (folder: string) => void;
  readonly menu: (folder: string) => readonly MenuItem[];
}

/** A file, a folder, or a word about one. */
export function TreeRow({ row, sessionId, isCurrent, toggle, menu }: Props) {
  const indent = { paddingInlineStart: `calc(var(--space-2) + ${Math.min(row.depth, 12)} * var(--space-4))` };
  if (row.kind === 'note')
    return (
      <li class="files-note" style={indent}>
        {row.text}
      </li>
    );
  const { entry, isOpen } = row;
  if (entry.type === 'directory')
    return (
      <li class="files-row">
        <button
          type="button"
          class="files-entry"
          style={indent}
          aria-expanded={isOpen}
          onClick={() => toggle(entry.path)}
        >
          <span class={isOpen ? 'files-chevron files-chevron-open' : 'files-chevron'}>
            <Icon name="chevron" />
          </span>
          <FileName path={entry.path} short />
        </button>
        <Menu label={`More for ${visibleText(nameOf(entry.path), 60)}`} items={menu(entry.path)} />
      </li>
    );
  return (
    <li class="files-row">
      <a
        class="files-entry"
        style={indent}
        href={fileHref(sessionId, entry.path)}
        aria-current={isCurrent ? 'page' : undefined}
      >
        <Icon name={entry.type === 'symlink' ? 'link' : 'file'} />
        <FileName path={entry.path} short />
        {entry.type === 'symlink' && (
          <span class="files-quiet">
            → <SafeText text={entry.target ?? ''} line max={100} />
          </span>
        )}
        {entry.type === 'file' && (
          <span class="files-size" aria-hidden="true">
            {bytesText(entry.size)}
          </span>
        )}
      </a>
    </li>
  );
}
