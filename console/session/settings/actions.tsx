import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import type { Session, SessionView } from '../../../client/main.ts';
import { Button } from '../../ui/button.tsx';
import { toast } from '../../ui/toast.tsx';
import { Deletion } from '../load/deletion.tsx';
import { doing } from '../load/doing.ts';
import { SpawnDialog } from './spawn-dialog.tsx';

interface Props {
  readonly session: Session;
  readonly view: SessionView;
}

/** What can be made of the session: another one, a child, an end. */
export function Actions({ session, view }: Props) {
  const { route } = useLocation();
  const [busy, setBusy] = useState<string | null>(null);
  const [asks, setAsks] = useState<'remove' | 'spawn' | null>(null);
  const act = async (what: string, run: () => Promise<unknown>) => {
    setBusy(what);
    await doing(run);
    setBusy(null);
  };
  const isAwake = view.status !== 'stopped' && view.status !== 'failed';
  return (
    <section class="settings-actions" aria-label="What can be made of it">
      <h2>What can be made of it</h2>
      <div class="settings-buttons">
        <Button
          icon="fork"
          busy={busy === 'fork'}
          title="A new session with the same conversation and files"
          onClick={() =>
            void act('fork', async () => {
              const fork = await session.fork();
              toast('Forked', 'good');
              route(`/sessions/${fork.id}`);
            })
          }
        >
          Fork
        </Button>
        <Button icon="tree" onClick={() => setAsks('spawn')}>
          Begin a child
        </Button>
        {isAwake && (
          <Button
            icon="pause"
            busy={busy === 'stop'}
            title="Its container goes; its files and conversation stay. A message wakes it."
            onClick={() => void act('stop', () => session.stop())}
          >
            Stop
          </Button>
        )}
        <Button kind="danger" icon="trash" onClick={() => setAsks('remove')}>
          Remove
        </Button>
      </div>
      <SpawnDialog session={session} open={asks === 'spawn'} onClose={() => setAsks(null)} />
      <Deletion
        of={asks === 'remove' ? session : null}
        title="Remove the session?"
        action="Remove"
        run={(removed) => removed.remove()}
        onClose={() => setAsks(null)}
        onDeleted={() => route('/sessions')}
      >
        {() => (
          <p>
            Its log, its messages and all that it stored are deleted for good
            {view.workspace.type === 'persistent' ? '. Its workspace stays.' : ', with its files.'}
          </p>
        )}
      </Deletion>
    </section>
  );
}
