import type { Session } from '../../client/main.ts';
import type { SessionStore } from './session-store.ts';

/** What each part of a session's page is given. */
export interface ViewProps {
  readonly session: Session;
  readonly store: SessionStore;
}
