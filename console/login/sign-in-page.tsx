import { SignInForm } from './sign-in-form.tsx';
import './sign-in.css';

/** What is there until somebody is signed in. */
export function SignInPage() {
  return (
    <main class="sign-in">
      <div class="sign-in-box">
        <h1>Sign in</h1>
        <p class="sign-in-quiet">CC-Docker at {location.host}</p>
        <SignInForm />
      </div>
    </main>
  );
}
