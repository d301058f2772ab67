import type { TurnResult, TurnView } from '../../../../protocol/api/session/message.ts';
import type { MessageError } from '../../../../protocol/reason.ts';
import type { SessionState } from '../state.ts';
import type { EndedTurn } from '../life/input.ts';
import { isAnswered } from './background.ts';

const TIMED_OUT: MessageError = { code: 'turn_timeout', detail: 'The turn did not end within its time.' };

/** How a turn has ended, and for whom. */
interface TurnEnd {
  /** The messages that it answers, and those from which it follows. */
  readonly message_ids: readonly string[];
  readonly status: TurnView['status'];
  readonly error: MessageError | null;
}

/** @param state the session before the machine takes the turn's end */
export function turnEnd(state: SessionState, turn: EndedTurn): TurnEnd {
  const message_ids = messagesOf(state, turn);
  const { outcome } = turn;
  if (outcome.ok) return { message_ids, status: 'completed', error: null };
  const cause = (state.current ?? state.agent_turn)?.interrupting?.cause ?? null;
  if (cause === 'turn_timeout') return { message_ids, status: 'failed', error: TIMED_OUT };
  return { message_ids, status: outcome.aborted ? 'interrupted' : 'failed', error: outcome.error };
}

/**
 * Whether what a turn says is the answer to a message from now on: it is the message's own turn, or says more of what the message
 * began. A report that failed, or that was empty because another turn had made it, leaves the answer as it was.
 */
export function isAnswerTo(
  messageId: string,
  { message_ids, outcome, turn }: EndedTurn & { readonly turn: TurnResult },
) {
  return message_ids.includes(messageId) || (outcome.ok && (turn.result ?? '') !== '');
}

function messagesOf(state: SessionState, { message_ids, agent, run_id }: EndedTurn): string[] {
  const { current, steered, due_reports, reporting, last_message } = state;
  const handed = [...(current === null ? [] : [current]), ...steered];
  const answered = handed.filter((message) => isAnswered(message, message_ids)).map(({ message_id }) => message_id);
  const spoken = new Set([...reporting, run_id]);
  const roots = due_reports.filter((due) => spoken.has(due.run_id)).map(({ message_id }) => message_id);
  const found = [...answered, ...roots].filter((id) => id !== null);
  if (found.length === 0 && agent && last_message !== null) return [last_message];
  return [...new Set(found)];
}
