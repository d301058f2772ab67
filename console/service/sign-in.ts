import { computed, signal } from '@preact/signals';
import { forgetPageKey, makePageKey, pageKey, sharePageKey } from './page-key.ts';
import { CcDocker, unwrap, type BrowserSession } from '../../client/main.ts';

/** Who is signed in to this browser; null: nobody, or it is not known yet. */
export const who = signal<BrowserSession | null>(null);

/** The provider that people can sign in with; null: there is none. */
export const provider = signal<string | null>(null);

/** Whether the service takes the sign-in, as far as is known: a call that is refused for it says otherwise. */
export const signedIn = signal(false);

/** `unknown`: the service is being asked. `out`: nobody is signed in. `ended`: somebody was, and has to sign in once more to go on. */
export const signInState = computed(() => {
  if (!isKnown.value) return 'unknown';
  if (signedIn.value) return 'in';
  return who.value === null ? 'out' : 'ended';
});

const isKnown = signal(false);

/** These calls are about the sign-in itself, so none waits for one. */
const cc = new CcDocker({ url: location.origin, pageKey });

/** What other tabs of this browser hear. */
const tabs = new BroadcastChannel('cc-docker.sign-in');

type Ending = 'signed out' | 'ended';
const endings = new Set<(why: Ending) => Promise<void>>();

/** Has `run` called when somebody signs out here, before they are, or the service has refused their sign-in. */
export function whenSignInEnds(run: (why: Ending) => Promise<void>): void {
  endings.add(run);
}

/**
 * Asks the service who is signed in.
 *
 * @throws CcDockerError when it does not say
 */
export async function askWho(): Promise<void> {
  const { session, oidc } = await unwrap(cc.api.GET('/api/v1/console/session'));
  provider.value = oidc?.issuer ?? null;
  isKnown.value = true;
  if (session === null) {
    signedIn.value = false;
    return;
  }
  become(session);
  await sharePageKey();
}

/**
 * Signs in with a one-time code or a token.
 *
 * @throws CcDockerError when that is refused; `cookie_refused`: the browser does not keep it
 */
export async function signIn(codeOrToken: string): Promise<void> {
  await makePageKey();
  const headers = { authorization: `Bearer ${codeOrToken}` };
  await unwrap(cc.api.POST('/api/v1/console/session', { headers }));
  await askWho();
  if (!signedIn.value) throw new CookieNotKept();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin, and takes none
  tabs.postMessage('signed in');
}

/** The service has signed somebody in, and the browser has not kept that. */
export class CookieNotKept extends Error {}

/** Signs out, and begins anew with nothing of theirs in the page. */
export async function signOut(): Promise<void> {
  await Promise.all([...endings].map((run) => run('signed out')));
  await unwrap(cc.api.DELETE('/api/v1/console/session'));
  await forgetPageKey();
  sessionStorage.clear();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin, and takes none
  tabs.postMessage('signed out');
  location.assign('/');
}

/** The service has refused the sign-in of this page. */
export function signInRefused(): void {
  if (!signedIn.value) return;
  signedIn.value = false;
  for (const run of endings) void run('ended');
}

/** The service cannot be asked: this is who was signed in last, as far as this browser knows. */
export function assume(session: BrowserSession): void {
  isKnown.value = true;
  who.value = session;
  signedIn.value = true;
}

function become(session: BrowserSession): void {
  const before = who.value;
  // Nothing of one person's may stay in a page of another's.
  if (before !== null && (before.sub !== session.sub || before.sid !== session.sid)) {
    sessionStorage.clear();
    location.reload();
    return;
  }
  who.value = session;
  signedIn.value = true;
}

/** Follows what other tabs do, and asks again when the page is looked at, if somebody has to sign in. */
export function followOtherTabs(): void {
  tabs.addEventListener('message', ({ data }) => {
    // What was shown is theirs who have signed out.
    if (data === 'signed out') location.assign('/');
    else askAgain();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && !signedIn.value) askAgain();
  });
}

function askAgain(): void {
  // Who has to sign in sees whether the service is there when they do.
  askWho().catch(() => undefined);
}
