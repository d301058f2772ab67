import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { pageTitle } from './page-title.ts';

interface PageHeadingProps {
  /** What the page is called, for the heading and the document's title. Of an agent's words: by `visibleText`. */
  readonly text: string;
  /** Tells two pages of one kind apart, such as two sessions. The focus goes to the heading when it changes. */
  readonly page?: string;
  /** In place of `text` in the heading. */
  readonly children?: ComponentChildren;
}

let isFirst = true;

/** The heading of a page. After a navigation it has the focus, so that who listens hears where they are. */
export function PageHeading({ text, page = '', children }: PageHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    pageTitle.value = text;
  }, [text]);
  useEffect(() => {
    // When the console is opened, the browser reads the title itself.
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, [page]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children ?? text}
    </h1>
  );
}
