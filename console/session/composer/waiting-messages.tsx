import { useState } from 'preact/hooks';
import { CcDockerError, type Session } from '../../../client/main.ts';
import { SafeText } from '../../safe/safe-text.tsx';
import { Button } from '../../ui/button.tsx';

import { Countdown } from '../../ui/time.tsx';
import { toast } from '../../ui/toast.tsx';
import type { WaitingMessage } from '../session-facts.ts';
import type { SessionStore } from '../session-store.ts';
import type { Outgoing } from './outgoing.ts';

interface Props {
  readonly session: Session;
  readonly store: SessionStore;
  readonly outgoing: Outgoing;
}

/** Messages whose turn has not begun. Each can be withdrawn; its text comes back where nothing else is being written. */
export function WaitingMessages({ session, store, outgoing }: Props) {
  const waiting = store.waiting.value;
  const [going, setGoing] = useState<ReadonlySet<string>>(new Set());
  // One that wakes the session, or that is about to begin, is not worth a list of its own.
  if (waiting.length === 0) return null;
  const withdraw = async ({ id, prompt }: WaitingMessage) => {
    setGoing(new Set([...going, id]));
    try {
      const { content } = await session.withdraw(id);
      if (content === undefined && outgoing.text.value === '') outgoing.write(prompt);
    } catch (error) {
      if (!(error instanceof CcDockerError)) throw error;
      toast(error.code === 'message_started' ? 'Its turn has begun already.' : error.detail, 'bad');
    } finally {
      setGoing(new Set([...going].filter((other) => other !== id)));
    }
  };
  return (
    <section class="composer-waiting" aria-label="Waiting messages">
      <h2 class="composer-heading">{waiting.length === 1 ? 'One message waits' : `${waiting.length} messages wait`}</h2>
      <ol>
        {waiting.map((message) => (
          <li key={message.id} class="composer-waiter">
            <div class="composer-waiter-text">
              <SafeText text={message.prompt} line />
              {message.retryAt !== null && (
                <span class="composer-note">
                  {' '}
                  The model’s usage limit: <Countdown at={message.retryAt} />
                </span>
              )}
            </div>
            <Button kind="quiet" busy={going.has(message.id)} onClick={() => void withdraw(message)}>
              Withdraw
            </Button>
          </li>
        ))}
      </ol>
    </section>
  );
}
