import { v7 as uuidV7 } from 'uuid';
import type { OwnEvent } from '../../../../protocol/api/session/own-events.ts';
import type { LineSignal } from '../../core/link/claude-line.ts';
import type { SessionState } from '../../core/state.ts';
import { turnEnd } from '../../core/turns/turn-end.ts';
import type { MessageTable } from '../messages/message-table.ts';
import type { EndedTurnRow } from '../messages/turn-table.ts';

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
  const end = turnEnd(state, signal);
  const [first] = signal.agent ? [] : end.message_ids;
  const begun = first === undefined ? null : messages.begun(first);
  return {
    ...end,
    turn_id: (first === undefined ? undefined : messages.uuidOf(first)) ?? agent_turn?.turn_id ?? uuidV7(),
    origin: begun?.origin ?? 'agent',
    started: begun?.started ?? agent_turn?.started ?? now,
    finished: now,
    result: signal.turn,
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
