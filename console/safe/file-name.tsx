import { ShownText } from './text/shown-text.tsx';
import { cutAt, visibleText } from './text/visible.ts';
import './safe.css';

/** Longer than any file system's, which end at 4,096 bytes. */
const MAX_PATH = 1000;

/**
 * A file's path: its folders quiet, its name plain, each part in a direction of its own, so that no name can look like a part of
 * another one (`evil⟨RLO⟩fdp.exe`). Spaces at its ends are seen.
 *
 * @param short the name alone
 */
export function FileName({ path, short = false }: { readonly path: string; readonly short?: boolean }) {
  const cut = cutAt(path, MAX_PATH);
  const at = cut.replace(/\/+$/, '').lastIndexOf('/') + 1;
  return (
    <bdi class="safe-file" title={short ? visibleText(path) : undefined}>
      {!short && at > 0 && (
        <bdi class="safe-folder">
          <ShownText text={cut.slice(0, at)} line />
        </bdi>
      )}
      <bdi class="safe-name">
        <ShownText text={cut.slice(at)} line />
      </bdi>
      {cut.length < path.length && '…'}
    </bdi>
  );
}
