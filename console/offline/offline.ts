import { line, lineLostAt, sessions, waiting } from '../service/live.ts';
import { assume, whenSignInEnds, who } from '../service/sign-in.ts';
import { forgetDevice } from './forget.ts';
import { forgetLastKnown, keepLastKnown, lastKnown } from './last-known.ts';

/** Keeps what is known for when the service cannot be reached, and removes it with the sign-in. */
export function prepareForOffline(): void {
  // A phone may end a page that is not seen at any time, and says nothing more then.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') keep();
  });
  addEventListener('pagehide', keep);
  addEventListener('offline', keep);
  whenSignInEnds(async (why) => {
    forgetLastKnown();
    if (why === 'signed out') await forgetDevice();
  });
}

/** Shows what was known last. False: nothing is kept. */
export function showLastKnown(): boolean {
  const kept = lastKnown(Date.now());
  if (kept === null) return false;
  sessions.value = new Map(kept.sessions.map((session) => [session.session_id, session]));
  waiting.value = new Map(kept.waiting.map((one) => [one.interaction_id, one]));
  line.value = 'away';
  lineLostAt.value = kept.at;
  assume(kept.who);
  return true;
}

function keep(): void {
  // Only what is whole: while the page still learns what there is, it knows less than what is kept.
  if (who.value === null || line.value !== 'live') return;
  keepLastKnown({
    who: who.value,
    at: Date.now(),
    sessions: [...sessions.value.values()],
    waiting: [...waiting.value.values()],
  });
}
