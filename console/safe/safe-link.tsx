import type { ComponentChildren } from 'preact';
import { addressOf, saysItsHost } from './links/address.ts';
import { ShownText } from './text/shown-text.tsx';
import { cutAt, visibleText } from './text/visible.ts';
import './safe.css';

interface Props {
  readonly href: string;
  /** What it says; the address, if nothing is given. */
  readonly children?: ComponentChildren;
  /** The text of `children`, where they are more than text: it is compared with the address. */
  readonly text?: string;
}

/**
 * A link that an agent wrote. It opens elsewhere and tells nobody where from, and says its real host where its text reads as another
 * one. An address that leads nowhere safe is text.
 */
export function SafeLink({ href, children, text = typeof children === 'string' ? children : '' }: Props) {
  const address = addressOf(href);
  const shown = children ?? <ShownText text={cutAt(href, 500)} line />;
  if (address.kind === 'none' || address.kind === 'path')
    return (
      <bdi class="safe-no-link">
        {typeof shown === 'string' ? <ShownText text={shown} line /> : shown}
        {children !== undefined && href !== text && href !== '' && <Aside text={href} />}
      </bdi>
    );
  return (
    <bdi>
      <a
        class="safe-link"
        href={address.href}
        target="_blank"
        rel="noopener noreferrer nofollow"
        title={visibleText(address.href)}
      >
        {typeof shown === 'string' ? <ShownText text={shown} line /> : shown}
      </a>
      {saysItsHost(text === '' ? href : text, address) && <Aside text={address.host} />}
    </bdi>
  );
}

/** What a link leads to, beside it. */
function Aside({ text }: { readonly text: string }) {
  return (
    <bdi class="safe-aside">
      {' ('}
      <ShownText text={cutAt(text, 300)} line />
      {text.length > 300 && '…'})
    </bdi>
  );
}
