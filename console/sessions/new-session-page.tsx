import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { CcDockerError } from '../../client/main.ts';
import { PageHeading } from '../shell/page-heading.tsx';
import { Button } from '../ui/button.tsx';
import { TextArea } from '../ui/field.tsx';
import { NONE, problemsOf, requestOf, titleOf, type Field, type Form, type Problems } from './new/form.ts';
import { keepChoices, keepForm, keptForm } from './new/kept-form.ts';
import { Further, FURTHER, Machine, Workspace } from './new/parts.tsx';
import { SessionStarter } from './new/start-session.ts';
import { useEnvironments } from './new/use-environments.ts';
import './new-session.css';

/** Begins a session: what it should do, on which machine, with which model, and what it may spend. */
export function NewSessionPage() {
  const [form, setForm] = useState(keptForm);
  const [problems, setProblems] = useState<Problems>(NONE);
  const [isBusy, setBusy] = useState(false);
  const [isOpen, setOpen] = useState(() => FURTHER.some((field) => form[field] !== ''));
  const starter = useMemo(() => new SessionStarter(), []);
  const environments = useEnvironments();
  const box = useRef<HTMLFormElement>(null);
  const { route } = useLocation();
  const set = <F extends Field>(field: F, value: Form[F]) => {
    const next = { ...form, [field]: value };
    setForm(next);
    keepForm(next);
    setProblems({ ...problems, fields: { ...problems.fields, [field]: undefined } });
  };
  const [refused, setRefused] = useState<Problems>(NONE);
  const refuse = (found: Problems) => {
    setProblems(found);
    setRefused(found);
    if (FURTHER.some((field) => found.fields[field] !== undefined)) setOpen(true);
  };
  // The first that does not fit gets the focus, once it is shown.
  useEffect(() => box.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), [refused]);
  const start = async () => {
    if (isBusy) return;
    const asked = requestOf(form);
    if ('problems' in asked) {
      refuse(asked.problems);
      return;
    }
    setBusy(true);
    setProblems(NONE);
    try {
      const session = await starter.start({ request: asked.request, title: titleOf(form), prompt: form.prompt });
      keepChoices(form);
      route(`/sessions/${session.id}`);
    } catch (error) {
      if (!(error instanceof CcDockerError)) throw error;
      refuse(problemsOf(error));
      setBusy(false);
    }
  };
  const { fields } = problems;
  return (
    <div class="page new-session">
      <header class="page-header">
        <PageHeading text="New session" />
      </header>
      <form
        ref={box}
        class="new-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div class="new-prompt">
          <TextArea
            label="What should it do?"
            value={form.prompt}
            onInput={(value) => set('prompt', value)}
            onEnter={() => void start()}
            placeholder="Fix the login test that fails now and then, and say why it did."
            error={fields.prompt}
          />
        </div>
        <Machine form={form} problems={fields} set={set} environments={environments} />
        <Workspace form={form} problems={fields} set={set} />
        <details class="new-further" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>Network, secrets, limits, instructions</summary>
          <Further form={form} problems={fields} set={set} />
        </details>
        {problems.rest.length > 0 && (
          <div class="new-problem" role="alert">
            {problems.rest.map((text) => (
              <p key={text}>{text}</p>
            ))}
          </div>
        )}
        <div class="new-start">
          <Button kind="primary" type="submit" icon="send" busy={isBusy}>
            Start
          </Button>
        </div>
      </form>
    </div>
  );
}
