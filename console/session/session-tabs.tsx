import { useEffect, useRef } from 'preact/hooks';
import { VIEWS } from './session-views.tsx';

/** The ways between the parts of a session. They are links: each part has an address. */
export function SessionTabs({ id, view }: { readonly id: string; readonly view: string }) {
  const current = useRef<HTMLAnchorElement>(null);
  useEffect(() => current.current?.scrollIntoView({ inline: 'center', block: 'nearest' }), [view]);
  return (
    <nav class="session-tabs" aria-label="Session">
      {VIEWS.map(({ name, title }) => (
        <a
          key={name}
          ref={name === view ? current : null}
          href={name === 'log' ? `/sessions/${id}` : `/sessions/${id}/${name}`}
          aria-current={name === view ? 'page' : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}
