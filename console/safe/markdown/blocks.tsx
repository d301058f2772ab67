import type { MarkedToken, Token, Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { Code } from '../code.tsx';
import { ShownText } from '../text/shown-text.tsx';
import { Inline } from './inline.tsx';

/** A table is as wide as its head in each row, however short the row is written. */
const MAX_CELLS = 2000;

/** Blocks as nodes. @param level the level of the heading before them, on the page */
export function Blocks({
  tokens,
  level,
}: {
  readonly tokens: readonly Token[];
  readonly level: number;
}): ComponentChildren {
  let last = level;
  return (tokens as readonly MarkedToken[]).map((token, index) => {
    if (token.type === 'heading') last = levelOf(token, last);
    return <Block key={index} token={token} level={last} />;
  });
}

/** The level of the last heading of a text's top, so that no heading is more than one below the one before it. */
export function levelAfter(tokens: readonly Token[], level: number): number {
  return (tokens as readonly MarkedToken[]).reduce(
    (last, token) => (token.type === 'heading' ? levelOf(token, last) : last),
    level,
  );
}

/** The page has the first level. */
function levelOf({ depth }: Tokens.Heading, last: number): number {
  return Math.min(depth + 1, last + 1, 6);
}

function Block({ token, level }: { readonly token: MarkedToken; readonly level: number }) {
  switch (token.type) {
    case 'space':
      return null;
    case 'def':
      // A footnote's text, which marked takes for an address.
      return token.tag.startsWith('^') ? <Plain text={token.raw} /> : null;
    case 'hr':
      return <hr />;
    case 'paragraph':
      return (
        <p dir="auto">
          <Inline tokens={token.tokens} />
        </p>
      );
    case 'heading':
      return <Heading token={token} level={level} />;
    case 'code':
      return <Code text={token.text} language={token.lang ?? ''} />;
    case 'blockquote':
      return (
        <blockquote dir="auto">
          <Blocks tokens={token.tokens} level={level} />
        </blockquote>
      );
    case 'list':
      return <List token={token} level={level} />;
    case 'table':
      return <Table token={token} />;
    case 'html':
      return <Plain text={token.raw.trimEnd()} />;
    default:
      // Text of a list's item, and all that stands in a line.
      return <Inline tokens={[token]} />;
  }
}

/** Text that is shown as it is written. */
export function Plain({ text }: { readonly text: string }) {
  return (
    <p class="safe-plain" dir="auto">
      <ShownText text={text} />
    </p>
  );
}

function Heading({ token, level }: { readonly token: Tokens.Heading; readonly level: number }) {
  const Tag = `h${level}` as 'h2';
  return (
    <Tag class={`safe-heading safe-heading-${token.depth}`} dir="auto">
      <Inline tokens={token.tokens} />
    </Tag>
  );
}

function List({ token, level }: { readonly token: Tokens.List; readonly level: number }) {
  const items = token.items.map((item, index) => (
    <li key={index} class={item.task ? 'safe-task' : undefined} dir="auto">
      <Blocks tokens={item.tokens} level={level} />
    </li>
  ));
  if (!token.ordered) return <ul>{items}</ul>;
  return <ol start={token.start === '' ? 1 : Math.min(token.start, 999_999_999)}>{items}</ol>;
}

function Table({ token }: { readonly token: Tokens.Table }) {
  if (token.header.length * (token.rows.length + 1) > MAX_CELLS) return <Plain text={token.raw.trimEnd()} />;
  return (
    <div class="safe-table" role="group" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {token.header.map((cell, index) => (
              <th key={index} scope="col" class={alignment(cell)} dir="auto">
                <Inline tokens={cell.tokens} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, index) => (
                <td key={index} class={alignment(cell)} dir="auto">
                  <Inline tokens={cell.tokens} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function alignment({ align }: Tokens.TableCell): string | undefined {
  return align === null ? undefined : `safe-${align}`;
}
