import type { SessionStore } from './session-store.ts';

/** What the session is, and what it does now. */
export function SessionHeader({ store }: { readonly store: SessionStore }) {
  const view = store.view.value;
  return (
    <header class="session-header">
      <h1>{view === null ? 'Session' : (view.title ?? view.session_id)}</h1>
      {view !== null && <p>{view.status}</p>}
      {store.line.value === 'away' && <p role="status">The connection is lost. It is tried again.</p>}
    </header>
  );
}
