import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import type { Session } from '../../../client/main.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Select, TextArea, TextField } from '../../ui/field.tsx';
import { doing } from '../load/doing.ts';

const WORKSPACES = [
  { value: 'ephemeral', label: 'An empty folder' },
  { value: 'clone', label: 'A copy of these files' },
  { value: 'inherit', label: 'These files themselves' },
] as const;
type Workspace = (typeof WORKSPACES)[number]['value'];

interface Props {
  readonly session: Session;
  readonly open: boolean;
  readonly onClose: () => void;
}

/** Begins a child: a session below this one, which may do at most what this one may. */
export function SpawnDialog({ session, open, onClose }: Props) {
  const { route } = useLocation();
  const [prompt, setPrompt] = useState('');
  const [title, setTitle] = useState('');
  const [workspace, setWorkspace] = useState<Workspace>('ephemeral');
  const [isBusy, setIsBusy] = useState(false);
  const begin = async () => {
    if (prompt.trim() === '') return;
    setIsBusy(true);
    await doing(async () => {
      const named = title.trim() === '' ? {} : { title: title.trim() };
      // The client's types want what the service fills in.
      const child = await session.spawn({ prompt, workspace: { type: workspace }, config: {}, ...named });
      route(`/sessions/${child.session.id}`);
    });
    setIsBusy(false);
  };
  return (
    <Dialog
      title="Begin a child"
      open={open}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={isBusy} disabled={prompt.trim() === ''} onClick={() => void begin()}>
            Begin
          </Button>
        </>
      }
    >
      <TextArea label="What should it do?" value={prompt} onInput={setPrompt} onEnter={() => void begin()} />
      <TextField label="Title" value={title} onInput={setTitle} maxLength={200} />
      <Select label="It works in" value={workspace} options={WORKSPACES} onChange={setWorkspace} />
    </Dialog>
  );
}
