import { ShowMore } from './text/show-more.tsx';
import { ShownText } from './text/shown-text.tsx';
import { useCut } from './text/use-cut.ts';
import { cutAt } from './text/visible.ts';
import './safe.css';

interface Props {
  readonly text: string;
  /** Characters that are shown at first. */
  readonly max?: number;
  /** One line: line breaks are named, and what is too long ends in …. */
  readonly line?: boolean;
}

/**
 * Text that an agent wrote, in a line of the page's own text: its direction is its own, what cannot be seen is named, and what is
 * long is cut.
 */
export function SafeText({ text, max = 2000, line = false }: Props) {
  if (line) return <LineOfText text={text} max={max} />;
  return <CutText text={text} max={max} />;
}

function LineOfText({ text, max }: { readonly text: string; readonly max: number }) {
  const shown = cutAt(text, Math.min(max, 1000));
  return (
    <bdi class="safe-line">
      <ShownText text={shown} line />
      {shown.length < text.length && '…'}
    </bdi>
  );
}

function CutText({ text, max }: { readonly text: string; readonly max: number }) {
  const cut = useCut(text, max);
  return (
    <>
      <bdi class="safe-text">
        <ShownText text={cut.shown} />
      </bdi>
      <ShowMore cut={cut} />
    </>
  );
}
