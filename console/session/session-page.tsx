import { useRoute } from 'preact-iso';
import { useEffect, useMemo } from 'preact/hooks';
import type { CcDockerError } from '../../client/main.ts';
import { cc } from '../service/service.ts';
import { Composer } from './composer/composer.tsx';
import { seqOfHash } from './log/reader.ts';
import { Log } from './log/log.tsx';
import { SessionHeader } from './session-header.tsx';
import { SessionStore } from './session-store.ts';
import { SessionTabs } from './session-tabs.tsx';
import { isView, SessionPanel, type ViewName } from './session-views.tsx';
import { useIsWide } from './use-is-wide.ts';
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
    void store.follow(view === 'log' ? seqOfHash(location.hash) : null, end.signal);
    return () => end.abort();
  }, [store]);
  const isWide = useIsWide();
  const failure = store.failure.value;
  if (failure !== null && store.view.value === null) return <Failure failure={failure} />;
  return (
    <div class="session-page">
      <div class="session-top">
        <SessionHeader store={store} />
        {store.line.value === 'away' && (
          <p class="session-away" role="status">
            The connection to the session is lost. It is tried again.
          </p>
        )}
        <SessionTabs id={id} view={view} />
      </div>
      {failure !== null && <Failure failure={failure} />}
      <div class="session-body">
        {(view === 'log' || isWide) && (
          <div class="session-talk">
            <Log store={store} />
            <Composer session={store.session} store={store} />
          </div>
        )}
        {view !== 'log' && (
          <div class="session-panel">
            <SessionPanel store={store} view={view} />
          </div>
        )}
      </div>
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
