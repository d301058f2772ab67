import { useRoute } from 'preact-iso';
import { useEffect, useMemo } from 'preact/hooks';
import type { CcDockerError } from '../../client/main.ts';
import { cc } from '../service/service.ts';
import { Composer } from './composer/composer.tsx';
import { SessionHeader } from './session-header.tsx';
import { SessionStore } from './session-store.ts';
import { SessionTabs } from './session-tabs.tsx';
import { isView, SessionView, type ViewName } from './session-views.tsx';
import './session-page.css';

/** One session: `/sessions/ID`, its log, and `/sessions/ID/VIEW`, what else there is of it. */
export function SessionPage() {
  const { id = '', view = 'log' } = useRoute().params;
  return <OneSession key={id} id={id} view={isView(view) ? view : 'log'} />;
}

function OneSession({ id, view }: { readonly id: string; readonly view: ViewName }) {
  const store = useMemo(() => new SessionStore(cc.session(id)), [id]);
  useEffect(() => {
    const end = new AbortController();
    void store.follow(end.signal);
    return () => end.abort();
  }, [store]);
  const failure = store.failure.value;
  return (
    <div class="session-page">
      <SessionHeader store={store} />
      <SessionTabs id={id} view={view} />
      {failure !== null && <Failure failure={failure} />}
      <SessionView store={store} view={view} />
      {view === 'log' && <Composer session={store.session} store={store} />}
    </div>
  );
}

function Failure({ failure }: { readonly failure: CcDockerError }) {
  return (
    <p class="session-failure" role="alert">
      {failure.code === 'session_not_found' ? 'There is no such session, or it is not yours.' : failure.detail}
    </p>
  );
}
