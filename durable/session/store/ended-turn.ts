import { v7 as uuidV7 } from 'uuid';
import type { OwnEvent } from '../../../protocol/api/event.ts';
import type { MessageError } from '../../../protocol/reason.ts';
import type { LineSignal } from '../core/claude-line.ts';
import type { SessionState } from '../core/state.ts';
import { messagesOf } from '../core/turns/background.ts';
import type { MessageTable } from './tables/message-table.ts';
import type { EndedTurnRow } from './tables/turn-table.ts';

/**
 * The record of a turn that `claude` has just ended.
 *
 * @param state the session before the turn's end
 */
export function endedTurn(
  signal: Extract<LineSignal, { is: 'result' }>,
  state: SessionState,
  messages: MessageTable,
  now: number,
): EndedTurnRow {
  const { agent_turn } = state;
  const message_ids = messagesOf(state, signal);
  const [first] = signal.agent ? [] : message_ids;
  const begun = first === undefined ? null : messages.begun(first);
  const { outcome } = signal;
  const cause = (state.current ?? agent_turn)?.interrupting?.cause ?? null;
  const error = outcome.ok ? null : cause === 'turn_timeout' ? TIMED_OUT : outcome.error;
  return {
    turn_id: (first === undefined ? undefined : messages.uuidOf(first)) ?? agent_turn?.turn_id ?? uuidV7(),
    origin: begun?.origin ?? 'agent',
    status: outcome.ok ? 'completed' : outcome.aborted && cause !== 'turn_timeout' ? 'interrupted' : 'failed',
    started: begun?.started ?? agent_turn?.started ?? now,
    finished: now,
    message_ids,
    result: signal.turn,
    error,
  };
}

/** The record of a turn whose container has ended. */
export function lostTurn(
  turn: Pick<EndedTurnRow, 'turn_id' | 'origin' | 'started' | 'message_ids' | 'error'>,
  now: number,
) {
  return { ...turn, status: 'failed' as const, finished: now, result: null };
}

/** The event of the end of a turn of `claude`'s own. */
export function turnEndedEvent({ turn_id, origin, status, message_ids, result, error }: EndedTurnRow): OwnEvent {
  const [message_id = null] = message_ids;
  return { type: 'turn.ended', data: { turn_id, origin, message_id, status, ...result, error } };
}

const TIMED_OUT: MessageError = { code: 'turn_timeout', detail: 'The turn did not end within its time.' };
