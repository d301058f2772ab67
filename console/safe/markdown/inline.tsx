import type { MarkedToken, Token, Tokens } from 'marked';
import { createContext, type ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { addressOf } from '../links/address.ts';
import { SafeLink } from '../safe-link.tsx';
import { ShownText } from '../text/shown-text.tsx';
import { decoded } from './entities.ts';

/** Where a path that an agent names is shown; `null`: nowhere. */
export type HrefOfPath = (path: string) => string | null;

/** Asked where a link is drawn, so that blocks that are drawn already follow when it changes. */
export const PathLinks = createContext<HrefOfPath>(() => null);

/** A line's tokens as nodes. HTML is the text that it is. */
export function Inline({ tokens }: { readonly tokens: readonly Token[] }): ComponentChildren {
  return tokens.map((token, index) => <InlineToken key={index} token={token as MarkedToken} />);
}

function InlineToken({ token }: { readonly token: MarkedToken }) {
  switch (token.type) {
    case 'strong':
      return (
        <strong>
          <Inline tokens={token.tokens} />
        </strong>
      );
    case 'em':
      return (
        <em>
          <Inline tokens={token.tokens} />
        </em>
      );
    case 'del':
      return (
        <del>
          <Inline tokens={token.tokens} />
        </del>
      );
    case 'codespan':
      return (
        <code class="safe-code">
          <ShownText text={token.text} />
        </code>
      );
    case 'br':
      return <br />;
    case 'checkbox':
      return (
        <span role="img" aria-label={token.checked ? 'Done' : 'Not done'}>
          {token.checked ? '☑ ' : '☐ '}
        </span>
      );
    case 'link':
      return <Link token={token} />;
    case 'image':
      return <ImageLink token={token} />;
    case 'text':
      if (token.tokens !== undefined) return <Inline tokens={token.tokens} />;
      return <ShownText text={token.escaped === false ? decoded(token.text) : token.text} />;
    case 'escape':
      return <ShownText text={token.text} />;
    default:
      // HTML, and whatever a newer marked may know.
      return <ShownText text={token.raw} />;
  }
}

function Link({ token }: { readonly token: Tokens.Link }) {
  const hrefOfPath = useContext(PathLinks);
  // A footnote's mark, which marked takes for a reference.
  if (token.raw.startsWith('[^')) return <ShownText text={token.raw} />;
  const href = token.autolink === true ? token.href : decoded(token.href);
  const children = <Inline tokens={token.tokens} />;
  const address = addressOf(href);
  const inner = address.kind === 'path' ? hrefOfPath(address.path) : null;
  if (inner !== null && /^\/(?![/\\])/.test(inner))
    return (
      <a class="safe-link" href={inner}>
        {children}
      </a>
    );
  return (
    <SafeLink href={href} text={plainOf(token.tokens)}>
      {children}
    </SafeLink>
  );
}

/** No image is loaded from elsewhere: that would tell who reads this, and when. */
function ImageLink({ token }: { readonly token: Tokens.Image }) {
  const text = `Image: ${decoded(token.text)}`;
  return (
    <SafeLink href={decoded(token.href)} text={text}>
      <ShownText text={text} />
    </SafeLink>
  );
}

/** What a reader reads of tokens, without the signs. */
function plainOf(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if ('tokens' in token && token.tokens !== undefined) return plainOf(token.tokens);
      return decoded('text' in token ? String(token.text) : token.raw);
    })
    .join('');
}
