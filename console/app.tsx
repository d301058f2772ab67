import { LocationProvider, Route, Router } from 'preact-iso';
import { InboxPage } from './inbox/inbox-page.tsx';
import { laterPage } from './loading/later.tsx';
import { Gate } from './login/gate.tsx';
import { Frame } from './shell/frame.tsx';
import { NotFoundPage } from './shell/not-found-page.tsx';

const SessionsPage = laterPage('sessions', () =>
  import('./sessions/sessions-page.tsx').then((file) => file.SessionsPage),
);
const NewSessionPage = laterPage('form of a new session', () =>
  import('./sessions/new-session-page.tsx').then((file) => file.NewSessionPage),
);
const NotificationsPage = laterPage('notifications', () =>
  import('./push/notifications-page.tsx').then((file) => file.NotificationsPage),
);
const SessionPage = laterPage('session', () => import('./session/session-page.tsx').then((file) => file.SessionPage));

/** The console: the sign-in until somebody is signed in, then the pages by their paths (`functions/console/` serves the same). */
export function App() {
  return (
    <Gate>
      <Pages />
    </Gate>
  );
}

function Pages() {
  return (
    <LocationProvider>
      <Frame>
        <Router>
          <Route path="/" component={InboxPage} />
          <Route path="/sessions" component={SessionsPage} />
          <Route path="/sessions/new" component={NewSessionPage} />
          <Route path="/notifications" component={NotificationsPage} />
          <Route path="/sessions/:id" component={SessionPage} />
          <Route path="/sessions/:id/:view" component={SessionPage} />
          <Route default component={NotFoundPage} />
        </Router>
      </Frame>
    </LocationProvider>
  );
}
