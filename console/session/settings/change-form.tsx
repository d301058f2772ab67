import { useState } from 'preact/hooks';
import { CcDockerError, type Session, type SessionView } from '../../../client/main.ts';
import { Button } from '../../ui/button.tsx';
import { Select, TextField } from '../../ui/field.tsx';
import { toast } from '../../ui/toast.tsx';
import { budgetOf, changeOf, MODELS, PERMISSION_MODES, wantedOf, type Wanted } from './choices.ts';

interface Props {
  readonly session: Session;
  readonly view: SessionView;
}

/** Title, model, permissions and budget. What somebody has not touched follows the session. */
export function ChangeForm({ session, view }: Props) {
  const [touched, setTouched] = useState<Partial<Wanted>>({});
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<CcDockerError | null>(null);
  const had = wantedOf(view);
  const wanted = { ...had, ...touched };
  const change = changeOf(had, wanted);
  const set = (more: Partial<Wanted>) => setTouched({ ...touched, ...more });
  const save = async (stopFirst: boolean) => {
    if (change === null) return;
    setIsBusy(true);
    setFailure(null);
    try {
      if (stopFirst) await session.stop();
      await session.change(change);
      setTouched({});
      toast('Saved', 'good');
    } catch (error) {
      if (!(error instanceof CcDockerError)) throw error;
      setFailure(error);
    } finally {
      setIsBusy(false);
    }
  };
  const isBudget = budgetOf(wanted.budget) !== undefined;
  return (
    <form
      class="settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save(false);
      }}
    >
      <h2>What may change</h2>
      <TextField label="Title" value={wanted.title} maxLength={200} onInput={(title) => set({ title })} />
      <TextField
        label="Model"
        value={wanted.model}
        offers={MODELS}
        hint="From its next call on."
        onInput={(model) => set({ model })}
      />
      <Select
        label="Permissions"
        value={wanted.permissionMode}
        options={PERMISSION_MODES}
        hint={PERMISSION_MODES.find(({ value }) => value === wanted.permissionMode)?.means}
        onChange={(permissionMode) => set({ permissionMode })}
      />
      <TextField
        label="Budget, USD"
        value={wanted.budget}
        inputMode="decimal"
        hint="Of the session with its children. Empty: no limit of its own."
        error={isBudget ? undefined : 'This is no amount, such as 5 or 0.50.'}
        onInput={(budget) => set({ budget })}
      />
      {failure !== null && (
        <p class="settings-failure" role="alert">
          {failure.detail}
        </p>
      )}
      <div class="settings-buttons">
        <Button kind="primary" type="submit" busy={isBusy} disabled={change === null}>
          Save
        </Button>
        {change !== null && <Button onClick={() => setTouched({})}>Discard</Button>}
        {failure?.code === 'restart_required' && (
          <Button busy={isBusy} onClick={() => void save(true)}>
            Stop the session and save
          </Button>
        )}
      </div>
    </form>
  );
}
