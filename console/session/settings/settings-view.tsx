import { Loading } from '../../ui/empty-state.tsx';
import type { ViewProps } from '../view-props.ts';
import { Actions } from './actions.tsx';
import { ChangeForm } from './change-form.tsx';
import { Facts } from './facts.tsx';
import './settings.css';

/** What the session is and has, what may change, and what can be made of it. */
export function SettingsView({ session, store }: ViewProps) {
  const view = store.view.value;
  if (view === null) return <Loading what="the settings" />;
  return (
    <section class="settings" aria-label="Settings">
      <ChangeForm session={session} view={view} />
      <Facts view={view} />
      <Actions session={session} view={view} />
    </section>
  );
}
