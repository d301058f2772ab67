import type { FunctionComponent } from 'preact';
import type { Session } from '../../client/main.ts';
import { laterPage } from '../loading/later.tsx';
import type { SessionStore } from './session-store.ts';
import { Timeline } from './timeline/timeline.tsx';

const FilesView = laterPage('files', () => import('./files/files-view.tsx').then((file) => file.FilesView));
const ChangesView = laterPage('changes', () => import('./changes/changes-view.tsx').then((file) => file.ChangesView));
const ArtifactsView = laterPage('artifacts', () =>
  import('./artifacts/artifacts-view.tsx').then((file) => file.ArtifactsView),
);
const PortsView = laterPage('ports', () => import('./ports/ports-view.tsx').then((file) => file.PortsView));
const TerminalView = laterPage('terminal', () =>
  import('./terminal/terminal-view.tsx').then((file) => file.TerminalView),
);
const SettingsView = laterPage('settings', () =>
  import('./settings/settings-view.tsx').then((file) => file.SettingsView),
);

/** The parts of a session's page, in the order of its tabs. `name` is the end of its address. */
export const VIEWS = [
  { name: 'log', title: 'Log' },
  { name: 'changes', title: 'Changes' },
  { name: 'files', title: 'Files' },
  { name: 'ports', title: 'Ports' },
  { name: 'terminal', title: 'Terminal' },
  { name: 'artifacts', title: 'Artifacts' },
  { name: 'timeline', title: 'Timeline' },
  { name: 'settings', title: 'Settings' },
] as const;
export type ViewName = (typeof VIEWS)[number]['name'];

export const isView = (name: string): name is ViewName => VIEWS.some((view) => view.name === name);

const SHOWN: Readonly<
  Record<
    Exclude<ViewName, 'log' | 'timeline'>,
    FunctionComponent<{ readonly session: Session; readonly store: SessionStore }>
  >
> = {
  changes: ChangesView,
  files: FilesView,
  artifacts: ArtifactsView,
  ports: PortsView,
  terminal: TerminalView,
  settings: SettingsView,
};

/** One part of the page beside the log. */
export function SessionPanel({
  store,
  view,
}: {
  readonly store: SessionStore;
  readonly view: Exclude<ViewName, 'log'>;
}) {
  if (view === 'timeline') return <Timeline store={store} />;
  const Shown = SHOWN[view];
  return <Shown session={store.session} store={store} />;
}
