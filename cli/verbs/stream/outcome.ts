import type { Message, PreviewEvent, Session, SessionEvent } from '../../../client/main.ts';
import { ExitCode } from '../../lib/failure.ts';

/** The exit code that says how a message ended. */
export function exitCodeOf({ status }: Pick<Message, 'status'>): number {
  if (status === 'completed') return ExitCode.done;
  return status === 'interrupted' ? ExitCode.interrupted : ExitCode.failed;
}

/** Whether the event says that the message has ended, and its subagents have been reported on. */
export function isEndOf(event: SessionEvent | PreviewEvent, messageId: string): boolean {
  if (event.type === 'message.completed') return event.data.message_id === messageId && event.data.settled !== false;
  const ends =
    event.type === 'message.settled' || event.type === 'message.failed' || event.type === 'message.interrupted';
  return ends && event.data.message_id === messageId;
}

/** Ends a message: withdraws it if its turn has not begun, else interrupts the turn. */
export async function endMessage(session: Session, messageId: string): Promise<void> {
  const { status } = await session.message(messageId);
  if (status === 'queued') await session.withdraw(messageId).catch(async () => await session.interrupt());
  else await session.interrupt();
}
