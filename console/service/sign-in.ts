import { signal } from '@preact/signals';

/** Whether somebody is signed in to this browser, as far as is known: a call that is refused for its sign-in says otherwise. */
export const signedIn = signal(true);
