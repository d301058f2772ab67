import { useComputed, useSignal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { line, sessions } from '../service/live.ts';
import { PageHeading } from '../shell/page-heading.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState, Loading } from '../ui/empty-state.tsx';
import { addressOf, countGroups, filterOf, type SessionFilter } from './rows/session-filter.ts';
import { sessionRows } from './rows/session-rows.ts';
import { RemoveSession } from './session-actions.tsx';
import { SessionFilters } from './session-filters.tsx';
import { folded, SessionList } from './session-list.tsx';
import './sessions.css';

/** All sessions, as a tree or a list. */
export function SessionsPage() {
  const { query, url, route } = useLocation();
  const filter = useSignal(filterOf(query));
  // The way back, or a link: the address says what is shown.
  useEffect(() => {
    filter.value = filterOf(query);
  }, [url]);
  const rows = useComputed(() => sessionRows(sessions.value, filter.value, folded.value));
  const counts = useComputed(() => countGroups(sessions.value.values(), filter.value.text));
  const change = (next: SessionFilter) => {
    filter.value = next;
    // In place of the address before: the way back leads to another page, not to another letter.
    replaceAddress(route, addressOf(next));
  };
  return (
    <div class="page sessions">
      <header class="page-header">
        <PageHeading text="Sessions" />
        <Button href="/sessions/new" kind="primary" icon="plus">
          New session
        </Button>
      </header>
      {sessions.value.size === 0 ? (
        <Nothing />
      ) : (
        <>
          <SessionFilters filter={filter.value} counts={counts.value} onChange={change} />
          <p class="visually-hidden" role="status">
            {rows.value.length} {rows.value.length === 1 ? 'session' : 'sessions'}
          </p>
          {rows.value.length > 0 ? (
            <SessionList rows={rows.value} />
          ) : (
            <EmptyState icon="search" title="No session is like that">
              <Button onClick={() => change({ ...filter.value, text: '', group: 'all' })}>Show all</Button>
            </EmptyState>
          )}
        </>
      )}
      <RemoveSession />
    </div>
  );
}

function replaceAddress(route: (url: string, replace?: boolean) => void, address: string): void {
  if (location.pathname + location.search !== address) route(address, true);
}

function Nothing() {
  if (line.value === 'live')
    return (
      <EmptyState icon="list" title="There is no session yet">
        <p>A session is an agent with a machine of its own. Say what it should do.</p>
      </EmptyState>
    );
  if (line.value === 'loading') return <Loading what="sessions" />;
  return (
    <EmptyState icon="alert" title="The service cannot be reached">
      <p>It is tried again and again. The sessions then come by themselves.</p>
    </EmptyState>
  );
}
