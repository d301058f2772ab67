import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { askWho, followOtherTabs, signInState } from '../service/sign-in.ts';
import { showLastKnown } from '../offline/offline.ts';
import { Button } from '../ui/button.tsx';
import { code, takeCode } from './link-code.ts';
import { SignInByLink } from './sign-in-by-link.tsx';
import { SignInOver } from './sign-in-over.tsx';
import { SignInPage } from './sign-in-page.tsx';
import { isUnreachable, whyNot } from './why-not.ts';

/** Shows the pages to whoever is signed in; nothing, until it is known whether somebody is. Whoever has to sign in again does so over the page. */
export function Gate({ children }: { readonly children: ComponentChildren }) {
  const [error, setError] = useState<string | null>(null);
  const ask = () => {
    setError(null);
    askWho().catch((thrown: unknown) => {
      const why = whyNot(thrown);
      if (!isUnreachable(thrown) || !showLastKnown()) setError(why);
    });
  };
  useEffect(() => {
    takeCode();
    followOtherTabs();
    ask();
    // A link may be opened in the page that is there.
    addEventListener('hashchange', takeCode);
    return () => removeEventListener('hashchange', takeCode);
  }, []);
  if (signInState.value === 'unknown') {
    return error === null ? null : <Unreachable detail={error} onAgain={ask} />;
  }
  if (code.value !== null) return <SignInByLink />;
  if (signInState.value === 'out') return <SignInPage />;
  return (
    <>
      {children}
      {signInState.value === 'ended' && <SignInOver />}
    </>
  );
}

function Unreachable({ detail, onAgain }: { readonly detail: string; readonly onAgain: () => void }) {
  return (
    <main class="sign-in">
      <div class="sign-in-box">
        <h1>Not connected</h1>
        <p role="alert">{detail}</p>
        <Button kind="primary" onClick={onAgain}>
          Try again
        </Button>
      </div>
    </main>
  );
}
