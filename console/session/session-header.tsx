import { SafeText } from '../safe/safe-text.tsx';
import { visibleText } from '../safe/text/visible.ts';
import { PageHeading } from '../shell/page-heading.tsx';
import { StatusDot } from '../ui/badge.tsx';
import { Money } from '../ui/money.tsx';
import type { SessionStore } from './session-store.ts';

/** What the session is, and what it does now. */
export function SessionHeader({ store }: { readonly store: SessionStore }) {
  const view = store.view.value;
  const title = view === null ? 'Session' : (view.title ?? `Session ${view.session_id.slice(0, 8)}`);
  return (
    <header class="session-header">
      <PageHeading text={visibleText(title, 120)} page={store.session.id}>
        <SafeText text={title} line max={120} />
      </PageHeading>
      {view !== null && (
        <p class="session-facts">
          <Money usd={view.total_cost_usd} />
          <StatusDot status={view.status} word />
        </p>
      )}
    </header>
  );
}
