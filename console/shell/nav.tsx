import { useLocation } from 'preact-iso';
import { inbox } from '../service/live.ts';
import { Icon } from '../ui/icon.tsx';
import { Account } from './account.tsx';

/** The ways between the pages: at the bottom of a phone, at the side of a wide window. */
export function Nav() {
  const { path } = useLocation();
  const waiting = inbox.value.length;
  return (
    <nav class="frame-nav" aria-label="Console">
      <span class="frame-brand" aria-hidden="true">
        CC-Docker
      </span>
      <a href="/" class="frame-link" aria-current={current(path === '/')}>
        <Icon name="inbox" />
        <span>Inbox</span>
        {waiting > 0 && (
          <>
            <span class="visually-hidden">, {waiting} waiting</span>
            <span class="ui-count" aria-hidden="true">
              {waiting > 99 ? '99+' : waiting}
            </span>
          </>
        )}
      </a>
      <a
        href="/sessions"
        class="frame-link"
        aria-current={current(path.startsWith('/sessions') && path !== '/sessions/new')}
      >
        <Icon name="list" />
        <span>Sessions</span>
      </a>
      <a href="/sessions/new" class="frame-link frame-link-new" aria-current={current(path === '/sessions/new')}>
        <Icon name="plus" />
        <span>
          New<span class="frame-wide"> session</span>
        </span>
      </a>
      <span class="frame-fill" />
      <Account>
        <Icon name="user" />
        <span>Account</span>
      </Account>
    </nav>
  );
}

const current = (is: boolean) => (is ? ('page' as const) : undefined);
