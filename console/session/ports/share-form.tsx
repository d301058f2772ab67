import { useState } from 'preact/hooks';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { portOf } from './rows.ts';

/** Shares a port on which nothing listens yet. @param share resolves to whether it is shared */
export function ShareForm({ share }: { readonly share: (port: number, label: string) => Promise<boolean> }) {
  const [port, setPort] = useState('');
  const [label, setLabel] = useState('');
  const [error, setError] = useState<string | undefined>(undefined);
  const submit = async () => {
    const number = portOf(port);
    setError(number === null ? 'A port is a number from 1 to 65535.' : undefined);
    if (number === null || !(await share(number, label.trim()))) return;
    setPort('');
    setLabel('');
  };
  return (
    <details class="ports-share">
      <summary>Share another port</summary>
      <form
        class="ports-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField label="Port" inputMode="numeric" value={port} onInput={setPort} error={error} />
        <TextField label="Label" value={label} onInput={setLabel} maxLength={64} hint="What is there. May be empty." />
        <Button type="submit">Share</Button>
      </form>
      <p class="ports-quiet">
        Whoever has the link of a shared port sees what is there, for a day, or until you stop sharing it.
      </p>
    </details>
  );
}
