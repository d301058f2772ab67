import { VIEWS } from './session-views.tsx';

/** The ways between the parts of a session. They are links: each part has an address. */
export function SessionTabs({ id, view }: { readonly id: string; readonly view: string }) {
  return (
    <nav class="session-tabs" aria-label="Session">
      {VIEWS.map(({ name, title }) => (
        <a
          key={name}
          href={name === 'log' ? `/sessions/${id}` : `/sessions/${id}/${name}`}
          aria-current={name === view ? 'page' : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}
