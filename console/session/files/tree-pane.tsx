import { useRef, useState } from 'preact/hooks';
import type { Session } from '../../../client/main.ts';
import { FileName } from '../../safe/file-name.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Menu } from '../../ui/menu.tsx';
import { save } from '../save/save.ts';
import type { FileTree } from './file-tree.ts';
import { TreeRow } from './tree-row.tsx';
import { below, nameOf, rowsOf } from './tree.ts';
import type { Uploads } from './uploads.ts';

interface Props {
  readonly session: Session;
  readonly tree: FileTree;
  readonly uploads: Uploads;
  /** The one that is shown. */
  readonly path: string;
  readonly remove: (path: string) => void;
}

/** Files that are to be written over others, with where they go. */
type Replacing = readonly { readonly path: string; readonly file: File }[];

/** The tree of the workspace, with what can be done with its folders. */
export function TreePane({ session, tree, uploads, path, remove }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [replacing, setReplacing] = useState<Replacing>([]);
  /** Where chosen files go. */
  const target = useRef('');
  const folders = tree.folders.value;
  const take = (folder: string, files: readonly File[]) => {
    const named = files.map((file) => ({ path: below(folder, file.name), file }));
    const known = new Set(folders.get(folder)?.entries?.map((entry) => entry.path));
    for (const { path: to, file } of named) if (!known.has(to)) uploads.add(to, file);
    setReplacing(named.filter(({ path: to }) => known.has(to)));
  };
  const choose = (folder: string) => {
    target.current = folder;
    input.current?.click();
  };
  const pack = (folder: string) =>
    void save({
      name: `${nameOf(folder) || 'workspace'}.tar`,
      size: null,
      read: () => session.files.pack(folder),
      address: () => session.files.address(folder, { tar: true }),
    });
  const folderMenu = (folder: string) => [
    { label: 'Upload here', icon: 'upload' as const, onSelect: () => choose(folder) },
    { label: 'Save as tar', icon: 'download' as const, onSelect: () => pack(folder) },
    { label: 'Delete', icon: 'trash' as const, danger: true, onSelect: () => remove(folder) },
  ];
  return (
    <div
      class="files-tree"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        take('', [...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <input
        ref={input}
        type="file"
        hidden
        multiple
        onChange={(event) => {
          take(target.current, [...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <div class="files-bar">
        <Button icon="upload" onClick={() => choose('')}>
          Upload
        </Button>
        <Menu
          label="More for the workspace"
          items={[
            { label: 'Save all as tar', icon: 'download', onSelect: () => pack('') },
            { label: 'Look again', icon: 'refresh', onSelect: () => tree.reload() },
          ]}
        />
      </div>
      <ul class="files-rows">
        {rowsOf(folders).map((row) => (
          <TreeRow
            key={row.kind === 'entry' ? row.entry.path : `note:${row.of}`}
            row={row}
            sessionId={session.id}
            isCurrent={row.kind === 'entry' && row.entry.path === path}
            toggle={(folder) => tree.toggle(folder)}
            menu={folderMenu}
          />
        ))}
      </ul>
      <Confirm
        title={replacing.length === 1 ? 'Replace it?' : `Replace ${replacing.length} files?`}
        open={replacing.length > 0}
        action="Replace"
        onConfirm={() => {
          for (const { path: to, file } of replacing) uploads.add(to, file);
          setReplacing([]);
        }}
        onClose={() => setReplacing([])}
      >
        <p>There is something by this name already:</p>
        {replacing.map(({ path: to }) => (
          <p key={to}>
            <FileName path={to} />
          </p>
        ))}
      </Confirm>
    </div>
  );
}
