import { useState } from 'preact/hooks';
import { CopyButton } from './text/copy-button.tsx';
import { ShowMore } from './text/show-more.tsx';
import { ShownText } from './text/shown-text.tsx';
import { useCut } from './text/use-cut.ts';
import { visibleText } from './text/visible.ts';
import './safe.css';

interface Props {
  readonly text: string;
  /** What its writer calls its language: it is only said. */
  readonly language?: string;
}

/** More is laid out at once without being felt. */
const MAX_SHOWN = 8000;

/**
 * Code, or what a tool has written: as it is, in one width. Nothing is highlighted: the small libraries for it hang on some text, and
 * what an agent wrote may be made for that.
 */
export function Code({ text, language = '' }: Props) {
  const cut = useCut(text, MAX_SHOWN);
  const [wraps, setWraps] = useState(false);
  const name = language === '' ? 'Code' : visibleText(language, 40);
  return (
    <div class="safe-block">
      <div class="safe-block-head">
        <bdi>{name}</bdi>
        <button type="button" class="safe-action" aria-pressed={wraps} onClick={() => setWraps(!wraps)}>
          Wrap
        </button>
        <CopyButton text={text} />
      </div>
      {/* A keyboard scrolls what has the focus. A group: as regions, hundreds of them would be landmarks. */}
      <pre class={wraps ? 'safe-lines safe-lines-wrap' : 'safe-lines'} tabIndex={0} role="group" aria-label={name}>
        <code>
          <ShownText text={cut.shown} />
        </code>
      </pre>
      <ShowMore cut={cut} />
    </div>
  );
}
