import { useMemo } from 'preact/hooks';
import { ShowMore } from '../text/show-more.tsx';
import { ShownText } from '../text/shown-text.tsx';
import { useCut } from '../text/use-cut.ts';
import { linesOf, type Span } from './terminal-text.ts';
import type { Colour, Style } from './style.ts';
import '../safe.css';
import './ansi.css';

/** Of the output as it came. More is laid out at once without being felt. */
const MAX_SHOWN = 10_000;

/** What a program wrote to a terminal: its colours, and nothing else that it may tell a terminal to do. */
export function Ansi({ text }: { readonly text: string }) {
  const cut = useCut(text, MAX_SHOWN);
  const lines = useMemo(() => linesOf(cut.shown), [cut.shown]);
  return (
    <div class="safe-block">
      <pre class="safe-lines safe-lines-wrap ansi" tabIndex={0} role="group" aria-label="Output">
        {lines.map((line, index) => (
          <div key={index} class="ansi-line">
            {line.length === 0 ? '\n' : line.map((span, index) => <Styled key={index} span={span} />)}
          </div>
        ))}
      </pre>
      <ShowMore cut={cut} />
    </div>
  );
}

function Styled({ span: { text, style } }: { readonly span: Span }) {
  const classes = classesOf(style);
  const own = ownColours(style);
  if (classes === '' && own === undefined) return <ShownText text={text} />;
  return (
    <span class={classes} style={own}>
      <ShownText text={text} />
    </span>
  );
}

function classesOf({ ink, ground, ...switches }: Style): string {
  const names = Object.keys(switches).map((name) => `ansi-${name}`);
  if (typeof ink === 'number') names.push(`ansi-ink-${ink}`);
  if (typeof ground === 'number') names.push(`ansi-ground-${ground}`);
  return names.join(' ');
}

/** A colour of its own is mixed with the theme's, so that no text can be made to vanish in what is behind it. */
function ownColours({
  ink,
  ground,
}: Style): { readonly color?: string; readonly backgroundColor?: string } | undefined {
  if (typeof ink !== 'object' && typeof ground !== 'object') return undefined;
  return {
    ...(typeof ink === 'object' && { color: mixed(ink, 'var(--text) 65%') }),
    ...(typeof ground === 'object' && { backgroundColor: mixed(ground, 'var(--ground) 75%') }),
  };
}

function mixed(colour: Exclude<Colour, number>, other: string): string {
  return `color-mix(in oklab, ${other}, rgb(${colour.join(' ')}))`;
}
