import { useState } from 'preact/hooks';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import type { ViewProps } from '../view-props.ts';
import { OpenTerminal } from './open-terminal.tsx';
import { keptTerminal } from './terminal-id.ts';
import './terminal.css';

/** A terminal in the session's container. The one that this tab has is come back to; a new one is opened when it is asked for. */
export function TerminalView({ session, store }: ViewProps) {
  /** Counts the terminals that this page has opened; 0: none. */
  const [opened, setOpened] = useState(keptTerminal(session.id) === null ? 0 : 1);
  if (opened > 0) return <OpenTerminal key={opened} session={session} again={() => setOpened(opened + 1)} />;
  const status = store.status.value;
  const isParked = status === 'stopped' || status === 'failed';
  return (
    <section class="terminal" aria-label="Terminal">
      <EmptyState icon="terminal" title="A shell beside the agent">
        <p>It has the agent’s user, folder and network. A turn that runs goes on.</p>
        {isParked && <p>The session is parked: a terminal wakes it.</p>}
        <Button kind="primary" onClick={() => setOpened(1)}>
          Open terminal
        </Button>
      </EmptyState>
    </section>
  );
}
