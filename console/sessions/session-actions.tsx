import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import type { FeedSession } from '../../client/main.ts';
import { SafeText } from '../safe/safe-text.tsx';
import { visibleText } from '../safe/text/visible.ts';
import { sessions } from '../service/live.ts';
import { cc } from '../service/service.ts';
import { Deletion } from '../session/load/deletion.tsx';
import { doing } from '../session/load/doing.ts';
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
  await doing(async () => {
    await cc.session(session.session_id).stop();
    toast(`Stopped: ${sessionName(session)}. A message wakes it.`, 'good');
  });
}

async function fork(session: FeedSession, route: (url: string) => void): Promise<void> {
  await doing(async () => {
    const forked = await cc.session(session.session_id).fork();
    toast(`This is a fork of ${sessionName(session)}.`, 'good');
    route(`/sessions/${forked.id}`);
  });
}

/** Asks before a session is removed. The list has it, once. */
export function RemoveSession() {
  return (
    <Deletion
      of={toRemove.value}
      title="Remove the session?"
      action="Remove"
      run={({ session }) => cc.session(session.session_id).remove()}
      onClose={close}
      onDeleted={({ session }) => toast(`Removed: ${sessionName(session)}`, 'good')}
    >
      {({ session, below }) => (
        <p>
          <strong>
            <SafeText text={sessionName(session)} line />
          </strong>{' '}
          {below > 0 && `and the ${below} sessions below it are `}
          {below === 0 && 'is '}
          removed with the log, the conversation and the files. This cannot be undone.
        </p>
      )}
    </Deletion>
  );
}

function close(): void {
  toRemove.value = null;
}
