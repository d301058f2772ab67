import type { Cut } from './use-cut.ts';

/** The way to what was cut; at the end of what is shown at all, how much there is besides. */
export function ShowMore({ cut, most = 1_000_000 }: { readonly cut: Cut; readonly most?: number }) {
  if (cut.left <= 0) return null;
  const left = `${cut.left.toLocaleString('en')} characters`;
  if (cut.shown.length >= most - 1) return <span class="safe-rest">… and {left} that are too many to show here</span>;
  return (
    <button type="button" class="safe-more" onClick={cut.more}>
      Show more ({left})
    </button>
  );
}
