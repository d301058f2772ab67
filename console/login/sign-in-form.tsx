import { useState } from 'preact/hooks';
import { pageKeyHash } from '../service/page-key.ts';
import { provider, signIn } from '../service/sign-in.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { whyNot } from './why-not.ts';

/** Without TLS, a browser has no hash of the key to give. */
const NEEDS_TLS = 'To sign in with the provider, open this service by its https:// address.';

/** Goes to the provider, which comes back to the page that asked. */
async function goToProvider(): Promise<void> {
  const query = new URLSearchParams({ to: location.pathname, key: await pageKeyHash() });
  location.assign(`/login/oidc?${query.toString()}`);
}

/** Signs in with a token or a code that is pasted, or with the provider. */
export function SignInForm() {
  const [text, setText] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | undefined>(undefined);
  const submit = async () => {
    const given = text.trim();
    if (given === '') return setError('Paste a token or a one-time code.');
    setBusy(true);
    setError(undefined);
    try {
      // What is copied may be the whole of a link, or of the header.
      await signIn(/[#&]code=([^&]+)/.exec(given)?.[1] ?? given.replace(/^Bearer\s+/i, ''));
    } catch (thrown) {
      setError(whyNot(thrown));
    }
    setBusy(false);
  };
  return (
    <>
      {provider.value !== null && (
        <>
          <Button
            kind="primary"
            onClick={() => (isSecureContext ? void goToProvider() : setError(NEEDS_TLS))}
            class="sign-in-provider"
          >
            Sign in with {providerName(provider.value)}
          </Button>
          <p class="sign-in-or">or</p>
        </>
      )}
      <form
        class="sign-in-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label="Token"
          error={error}
          hint={
            <>
              A token or a one-time code. Where the service runs, <code>npm start</code> prints a link that signs you in
              once, and <code>npm run --silent token -- --sub NAME</code> a token.
            </>
          }
        >
          {(control) => (
            <input
              {...control}
              type="password"
              class="ui-input"
              name="token"
              autoComplete="off"
              autoCapitalize="off"
              spellcheck={false}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <Button kind={provider.value === null ? 'primary' : 'plain'} type="submit" busy={isBusy}>
          Sign in
        </Button>
      </form>
    </>
  );
}

/** `accounts.example.org`, of an issuer that is an address. */
const providerName = (issuer: string) => URL.parse(issuer)?.host ?? issuer;
