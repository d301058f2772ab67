import { useEffect, useId, useRef } from 'preact/hooks';
import { signOut, who } from '../service/sign-in.ts';
import { Button } from '../ui/button.tsx';
import { SignInForm } from './sign-in-form.tsx';
import './sign-in.css';

/**
 * The sign-in of somebody has ended: it comes over the page, which waits as it is, with what is half-written in it. It does not close but
 * by signing in.
 */
export function SignInOver() {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      class="ui-dialog"
      aria-labelledby={id}
      onCancel={(event) => event.preventDefault()}
      // Chromium closes one at the second Escape, whoever holds it.
      onClose={(event) => event.currentTarget.isConnected && event.currentTarget.showModal()}
    >
      <div class="ui-dialog-box">
        <div class="ui-dialog-body sign-in-over">
          <h2 id={id}>Sign in again</h2>
          <p>
            The sign-in of <bdi>{who.value?.sub.slice(0, 80)}</bdi> has ended. Sign in again, and this page goes on
            where it was.
          </p>
          <SignInForm />
          <p class="sign-in-quiet">
            <Button kind="quiet" onClick={() => void signOut()}>
              Leave this page
            </Button>
          </p>
        </div>
      </div>
    </dialog>
  );
}
