import type { VNode } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { ShowMore } from '../text/show-more.tsx';
import { useCut } from '../text/use-cut.ts';
import { Blocks, levelAfter, Plain } from './blocks.tsx';
import { linksOf, tokensOf } from './bounded-lexer.ts';
import { chunksOf } from './chunks.ts';
import { type HrefOfPath, PathLinks } from './inline.tsx';
import '../safe.css';
import './markdown.css';

interface Props {
  readonly text: string;
  /** It grows. */
  readonly live?: boolean;
  readonly hrefOfPath?: HrefOfPath;
}

/** Longer than nearly every message of a model, whose bounds are in tokens. */
const MAX_SHOWN = 40_000;
/** Milliseconds of one drawing that may go into reading; what is left is shown as it is written. */
const MAX_READING_MS = 50;

/** A chunk as it was drawn. The same node again tells Preact that nothing of it has changed. */
interface Drawn {
  readonly key: string;
  readonly node: VNode;
  readonly level: number;
}

/** Markdown that an agent wrote. HTML in it is text, an image is a link, and a link says where it leads. */
export function Markdown({ text, live = false, hrefOfPath = nowhere }: Props) {
  const cut = useCut(text, MAX_SHOWN);
  const drawn = useRef<readonly Drawn[]>([]);
  const nodes = useMemo(() => {
    drawn.current = draw(cut.shown, drawn.current);
    return drawn.current.map(({ node }) => node);
  }, [cut.shown]);
  return (
    <PathLinks.Provider value={hrefOfPath}>
      <div class={live ? 'safe-markdown safe-markdown-live' : 'safe-markdown'} dir="auto">
        {nodes}
        <ShowMore cut={cut} />
      </div>
    </PathLinks.Provider>
  );
}

function nowhere(): null {
  return null;
}

function draw(text: string, before: readonly Drawn[]): readonly Drawn[] {
  const end = performance.now() + MAX_READING_MS;
  const links = linksOf(text);
  const defined = JSON.stringify(links);
  let level = 1;
  return chunksOf(text).map((chunk, index) => {
    const key = JSON.stringify([level, chunk.includes('[') ? defined : '', chunk]);
    const same = before[index]?.key === key ? before[index] : undefined;
    const now = same ?? drawChunk(key, index, level, performance.now() < end ? tokensOf(chunk, links) : null, chunk);
    level = now.level;
    return now;
  });
}

function drawChunk(
  key: string,
  index: number,
  level: number,
  tokens: ReturnType<typeof tokensOf>,
  chunk: string,
): Drawn {
  if (tokens === null) return { key, level, node: <Plain key={index} text={chunk} /> };
  return { key, level: levelAfter(tokens, level), node: <Blocks key={index} tokens={tokens} level={level} /> };
}
