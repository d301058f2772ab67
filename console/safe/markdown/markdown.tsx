import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ShowMore } from '../text/show-more.tsx';
import { useCut } from '../text/use-cut.ts';
import { Blocks, levelAfter, Plain } from './blocks.tsx';
import { type Links, linksOf, tokensOf } from './bounded-lexer.ts';
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
const MAX_SHOWN = 20_000;
/** Milliseconds of one drawing that may go into reading. What is left is read in the next one. */
const MAX_READING_MS = 25;

/** A chunk as it was drawn. The same node again tells Preact that nothing of it has changed. */
interface Drawn {
  /** `null`: there was no time to read it yet. */
  readonly key: string | null;
  readonly node: VNode;
  /** The level of the last heading until here. */
  readonly level: number;
}

/** Markdown that an agent wrote. HTML in it is text, an image is a link, and a link says where it leads. */
export function Markdown({ text, live = false, hrefOfPath = nowhere }: Props) {
  const cut = useCut(text, MAX_SHOWN);
  const [round, setRound] = useState(0);
  const drawn = useRef<readonly Drawn[]>([]);
  const chunks = useMemo(() => {
    drawn.current = draw(cut.shown, drawn.current);
    return drawn.current;
  }, [cut.shown, round]);
  const isRead = chunks.every(({ key }) => key !== null);
  useEffect(() => {
    if (isRead) return undefined;
    const next = setTimeout(() => setRound(round + 1));
    return () => clearTimeout(next);
  }, [isRead, round]);
  return (
    <PathLinks.Provider value={hrefOfPath}>
      <div class={live ? 'safe-markdown safe-markdown-live' : 'safe-markdown'} dir="auto">
        {chunks.map(({ node }) => node)}
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
  let isFirst = true;
  return chunksOf(text).map((chunk, index) => {
    const key = JSON.stringify([level, chunk.includes('[') ? defined : '', chunk]);
    const same = before[index]?.key === key ? before[index] : undefined;
    // One is read in any case, so that each drawing comes further.
    const isTime = isFirst || performance.now() < end;
    if (same === undefined) isFirst = false;
    const now = same ?? (isTime ? read(key, index, chunk, links, level) : unread(index, chunk, level));
    level = now.level;
    return now;
  });
}

function read(key: string, index: number, chunk: string, links: Links, level: number): Drawn {
  const tokens = tokensOf(chunk, links);
  if (tokens === null) return { key, level, node: <Plain key={index} text={chunk} /> };
  return { key, level: levelAfter(tokens, level), node: <Blocks key={index} tokens={tokens} level={level} /> };
}

function unread(index: number, chunk: string, level: number): Drawn {
  return { key: null, level, node: <Plain key={index} text={chunk} /> };
}
