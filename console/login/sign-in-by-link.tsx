import { useState } from 'preact/hooks';
import { signIn, who } from '../service/sign-in.ts';
import { Button } from '../ui/button.tsx';
import { code, dropCode, ownerOfCode } from './link-code.ts';
import { whyNot } from './why-not.ts';
import './sign-in.css';

/**
 * The page was opened by a one-time link. It asks first: whoever follows somebody else's link would else work in the other's name without
 * knowing.
 */
export function SignInByLink() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | undefined>(undefined);
  const owner = ownerOfCode(code.value ?? '');
  const present = who.value?.sub;
  const use = async () => {
    setBusy(true);
    try {
      await signIn(code.value ?? '');
      dropCode();
    } catch (thrown) {
      setError(whyNot(thrown));
    }
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <div class="sign-in-box">
        <h1>Sign in</h1>
        {error === undefined ? (
          <p>
            This link signs you in as <Name of={owner} />
            {present !== undefined && present !== owner && (
              <>
                {' '}
                in place of <Name of={present} />, who is signed in now
              </>
            )}
            . Go on if it is yours: from the terminal of your service, or from somebody who runs it.
          </p>
        ) : (
          <p role="alert" class="sign-in-error">
            {error}
          </p>
        )}
        <div class="sign-in-actions">
          {error === undefined && (
            <Button kind="primary" busy={isBusy} onClick={() => void use()}>
              Sign in
            </Button>
          )}
          <Button onClick={dropCode}>{present === undefined ? 'Another way' : 'Stay as you are'}</Button>
        </div>
      </div>
    </main>
  );
}

/** A name from a link is anybody's word: its direction is its own. */
const Name = ({ of }: { readonly of: string }) => (
  <bdi>
    <strong>{of.slice(0, 80)}</strong>
  </bdi>
);
