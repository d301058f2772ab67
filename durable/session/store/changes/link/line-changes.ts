import { v7 as uuidV7 } from 'uuid';
import { MAX_LINE_BYTES } from '../../../../../protocol/settings/limits.ts';
import { utf8Bytes } from '../../../../shared/text/utf8-bytes.ts';
import { readClaudeLine, type LineSignal } from '../../../core/link/claude-line.ts';
import { isAnswerTo } from '../../../core/turns/turn-end.ts';
import { listChanged } from '../../record.ts';
import type { SessionTables } from '../../session-tables.ts';
import { endedTurn, turnEndedEvent } from '../ended-turn.ts';
import { conversationNamed } from './conversation.ts';
import type { LinkContext, LinkTransaction } from './link-transaction.ts';

/** The length in UTF-8 of a line that is too long; null: it is not. Most need no counting: a UTF-16 unit takes 3 bytes at most. */
function tooManyBytes(line: string): number | null {
  if (3 * line.length <= MAX_LINE_BYTES) return null;
  const bytes = utf8Bytes(line);
  return bytes > MAX_LINE_BYTES ? bytes : null;
}

/** The part of a transaction that stores a line of `claude`, with what follows from it. */
export class LineChanges {
  readonly #tx: LinkTransaction;
  readonly #tables: SessionTables;
  readonly #now: number;

  constructor(tx: LinkTransaction, { tables, now }: LinkContext) {
    this.#tx = tx;
    this.#tables = tables;
    this.#now = now;
  }

  take(text: string): void {
    // A wrapper has done this. What speaks in its place need not.
    const bytes = tooManyBytes(text);
    if (bytes !== null) return this.#tx.emit({ type: 'session.oversized', data: { bytes, head: text.slice(0, 1024) } });
    const line = readClaudeLine(text, this.#tables.log.backwards());
    if (!line.ok) return this.#tx.emit({ type: 'session.garbled', data: { line: text.slice(0, 8192) } });
    if (line.signal?.is === 'control') return;
    if (line.signal?.is === 'idle') {
      this.#tables.calls.readAll('all');
      return this.#tx.input({ on: 'claude_idle' });
    }
    this.#tx.append(line.type, text);
    conversationNamed(this.#tx, line.conversation_id);
    if (line.settings !== null) this.#tx.settings.reported(line.settings);
    if (line.signal !== null) this.#signal(line.signal);
  }

  #signal(signal: LineSignal): void {
    switch (signal.is) {
      case 'message': {
        const { state } = signal;
        const message_id = this.#tables.messages.ofUuid(signal.message_id);
        // The end of an earlier turn of a message that waits anew.
        if (message_id === null) return;
        return this.#tx.input({ on: state === 'completed' ? 'message_done' : 'message_cancelled', message_id });
      }
      case 'agent_turn':
        return this.#tx.input({ on: 'agent_turn_began', turn_id: uuidV7() });
      case 'tasks':
        return this.#tx.input({ on: 'tasks', tasks: signal.tasks });
      case 'reported':
        return this.#tx.input({ on: 'task_reported', run_id: signal.run_id });
      case 'tool_results':
        return this.#tables.calls.read(signal.tool_use_ids);
      case 'reset':
        this.#tx.record = { ...this.#tx.record, conversation: { ...this.#tx.record.conversation, isReset: true } };
        return;
      case 'result':
        return this.#turnEnded(signal);
      case 'idle':
      case 'control':
        // Not stored, so it does not come here.
        return;
    }
  }

  #turnEnded(line: Extract<LineSignal, { is: 'result' }>): void {
    const { messages } = this.#tables;
    const signal = { ...line, message_ids: line.message_ids.flatMap((uuid) => messages.ofUuid(uuid) ?? []) };
    const { turns, cost_usd } = this.#tx.record.usage;
    const usage = { turns: turns + 1, cost_usd: cost_usd + signal.turn.total_cost_usd, live_usd: 0 };
    this.#tx.record = listChanged({ ...this.#tx.record, usage });
    this.#tx.files({ on: 'conversed' });
    this.#tables.calls.readAll('unnamed');
    const turn = endedTurn(signal, this.#tx.record.state, messages, this.#now);
    this.#tables.turns.add(turn);
    this.#tx.turns.push(turn);
    for (const id of turn.message_ids) messages.addTurn(id, signal.turn, isAnswerTo(id, signal));
    // Of a turn that ends while its container does, the session has said already that it was lost.
    if (turn.turn_id === this.#tx.record.state.agent_turn?.turn_id) this.#tx.emit(turnEndedEvent(turn));
    const { message_ids, agent, run_id, outcome } = signal;
    this.#tx.input({ on: 'turn_ended', message_ids, agent, run_id, outcome });
  }
}
