import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { CcDockerError, type FeedSession } from '../../client/main.ts';
import { SafeText } from '../safe/safe-text.tsx';
import { visibleText } from '../safe/text/visible.ts';
import { sessions } from '../service/live.ts';
import { cc } from '../service/service.ts';
import { Confirm } from '../ui/dialog.tsx';
import { Menu } from '../ui/menu.tsx';
import { toast } from '../ui/toast.tsx';
import { countBelow } from './rows/session-rows.ts';

/** What a session is called, for a place where only text can be. */
export const sessionName = ({ title, session_id }: Pick<FeedSession, 'title' | 'session_id'>): string =>
  title === null ? `Session ${session_id.slice(-6)}` : visibleText(title, 120);

/** The session that is to be removed, if that is confirmed. */
const toRemove = signal<{ readonly session: FeedSession; readonly below: number } | null>(null);

/** What can be done with a session from the list. */
export function SessionActions({ session }: { readonly session: FeedSession }) {
  const { route } = useLocation();
  const { session_id: id, status } = session;
  const below = countBelow(sessions.value, id);
  const isOver = status === 'stopped' || status === 'failed';
  return (
    <Menu
      label={`More for ${sessionName(session)}`}
      items={[
        { label: 'Open', icon: 'chat', href: `/sessions/${id}` },
        { label: 'Changes', icon: 'branch', href: `/sessions/${id}/changes` },
        { label: 'Fork', icon: 'fork', onSelect: () => void fork(session, route) },
        null,
        {
          label: below > 0 ? `Stop it and ${below} below` : 'Stop',
          icon: 'stop',
          disabled: isOver && below === 0,
          onSelect: () => void stop(session),
        },
        {
          label: 'Remove…',
          icon: 'trash',
          danger: true,
          onSelect: () => {
            toRemove.value = { session, below };
          },
        },
      ]}
    />
  );
}

async function stop(session: FeedSession): Promise<void> {
  await told(async () => {
    await cc.session(session.session_id).stop();
    toast(`Stopped: ${sessionName(session)}. A message wakes it.`, 'good');
  });
}

async function fork(session: FeedSession, route: (url: string) => void): Promise<void> {
  await told(async () => {
    const forked = await cc.session(session.session_id).fork();
    toast(`This is a fork of ${sessionName(session)}.`, 'good');
    route(`/sessions/${forked.id}`);
  });
}

/** Does it, and says why it could not be done. @returns whether it was */
async function told(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof CcDockerError)) throw error;
    toast(error.detail, 'bad');
    return false;
  }
}

/** Asks before a session is removed. The list has it, once. */
export function RemoveSession() {
  const [isBusy, setBusy] = useState(false);
  const removing = toRemove.value;
  const remove = async (session: FeedSession) => {
    setBusy(true);
    const isDone = await told(async () => {
      await cc.session(session.session_id).remove();
      toast(`Removed: ${sessionName(session)}`, 'good');
    });
    setBusy(false);
    if (isDone) close();
  };
  return (
    <Confirm
      title="Remove the session?"
      open={removing !== null}
      action="Remove"
      busy={isBusy}
      onConfirm={() => {
        if (removing !== null) void remove(removing.session);
      }}
      onClose={close}
    >
      {removing !== null && (
        <p>
          <strong>
            <SafeText text={sessionName(removing.session)} line />
          </strong>{' '}
          {removing.below > 0 && `and the ${removing.below} sessions below it are `}
          {removing.below === 0 && 'is '}
          removed with the log, the conversation and the files. This cannot be undone.
        </p>
      )}
    </Confirm>
  );
}

function close(): void {
  toRemove.value = null;
}
