import { v7 as uuidV7 } from 'uuid';
import type { FilesInput } from '../../core/files.ts';
import type { SessionEffect } from '../../core/life/effect.ts';
import { messageOfRunningTurn } from '../../core/turns/background.ts';
import { listChanged, NO_CONTAINER, totalCost } from '../record.ts';
import type { SessionTables } from '../session-tables.ts';
import type { EndedTurnRow } from '../messages/turn-table.ts';
import { tasksView } from '../messages/message-view.ts';
import { traceOfMessage } from '../messages/turn-trace.ts';
import type { Change } from './change.ts';
import type { ChildChanges } from './child-changes.ts';
import { lostTurn, turnEndedEvent } from './ended-turn.ts';
import type { SettingsChanges } from './settings-changes.ts';

/** The transaction, as far as effects change it. */
export interface EffectTarget extends Change {
  /** Messages that have ended or settled: callers that wait for them get their answer. */
  readonly finished: string[];
  /** From now on calls to the model are paused, or no longer; null: as before. */
  modelPaused: boolean | null;
  readonly children: ChildChanges;
  readonly settings: SettingsChanges;
  /** The place or the content of the session's files has changed. */
  files(input: FilesInput): void;
}

/** Performs the effects of the state machine: on the tables at once, or as commands and events. */
export class SessionEffects {
  readonly #tx: EffectTarget;
  readonly #tables: SessionTables;
  readonly #now: number;

  constructor(tx: EffectTarget, tables: SessionTables, now: number) {
    this.#tx = tx;
    this.#tables = tables;
    this.#now = now;
  }

  /** Does what the state machine decided. */
  perform(effect: SessionEffect): void {
    const { messages, commands } = this.#tables;
    const { epoch } = this.#tx.record.state;
    switch (effect.do) {
      case 'want':
        commands.dropBefore(epoch);
        this.#tx.files({ on: 'launched' });
        this.#tx.settings.started();
        this.#tx.record = {
          ...this.#tx.record,
          // A turn that never ended has still cost money.
          usage: { ...this.#tx.record.usage, cost_usd: totalCost(this.#tx.record), live_usd: 0 },
          place_request: 'want',
          link: { epoch, stored: 0, notices_stored: 0 },
          container: NO_CONTAINER,
        };
        return;
      case 'release':
        // The agent whose calls these are is being ended.
        this.#tx.children.containerEnding();
        this.#tx.record = { ...this.#tx.record, place_request: 'release' };
        return;
      case 'prompt': {
        const { message_id } = effect;
        // A long one goes in when the command is sent: it is stored once.
        const prompt = messages.shortPrompt(message_id);
        const uuid = messages.uuidOf(message_id);
        const traceparent = traceOfMessage(this.#tables, message_id);
        return this.#tx.order({
          command: 'prompt',
          message_id: uuid,
          prompt,
          ...(effect.steer && { steer: true }),
          ...(traceparent !== undefined && { traceparent }),
        });
      }
      case 'interrupt': {
        const { message_id, background } = effect;
        const tasks = background === null ? {} : { background: true, stop_tasks: [...background.shells] };
        const uuid = message_id === null ? null : messages.uuidOf(message_id);
        return this.#tx.order({ command: 'interrupt', message_id: uuid, ...tasks });
      }
      case 'pause_model':
        this.#tx.modelPaused = effect.paused;
        return;
      case 'watch_spending':
        if (this.#tx.record.state.container !== 'none') this.#tx.order({ command: 'watch_spending', on: effect.on });
        return;
      case 'message_processing':
        messages.begin(effect.message_id, this.#now);
        return this.#tx.emit({ type: 'message.processing', data: { message_id: effect.message_id } });
      case 'message_held': {
        const { message_id, retry_at } = effect;
        messages.hold(message_id, uuidV7());
        return this.#tx.emit({
          type: 'message.held',
          data: { message_id, retry_at: new Date(retry_at).toISOString() },
        });
      }
      case 'message_completed':
        messages.finish(effect.message_id, 'completed', null, effect.settled, this.#now);
        this.#tx.finished.push(effect.message_id);
        return this.#tx.emit({
          type: 'message.completed',
          data: { message_id: effect.message_id, ...(effect.settled ? {} : { settled: false }) },
        });
      case 'message_settled':
        messages.settle(effect.message_id, this.#now);
        this.#tx.finished.push(effect.message_id);
        return this.#tx.emit({ type: 'message.settled', data: { message_id: effect.message_id } });
      case 'agent_turn_began': {
        const { turn_id } = effect;
        const message_id = messageOfRunningTurn(this.#tx.record.state);
        return this.#tx.emit({ type: 'turn.started', data: { turn_id, origin: 'agent', message_id } });
      }
      case 'agent_turn_lost': {
        const { turn_id, started } = effect.turn;
        const { last_message } = this.#tx.record.state;
        const message_ids = last_message === null ? [] : [last_message];
        const turn = lostTurn({ turn_id, origin: 'agent', started, message_ids, error: effect.error }, this.#now);
        this.#keep(turn);
        return this.#tx.emit(turnEndedEvent(turn));
      }
      case 'message_turn_lost': {
        const { message_id, error } = effect;
        const turn_id = messages.uuidOf(message_id);
        const begun = messages.begun(message_id);
        if (begun === null) return;
        const { origin, started } = begun;
        const lost = { turn_id, origin, started: started ?? this.#now, message_ids: [message_id], error };
        return this.#keep(lostTurn(lost, this.#now));
      }
      case 'announce_tasks':
        return this.#tx.emit({
          type: 'session.background_tasks',
          data: { tasks: tasksView(this.#tx.record.state.tasks) },
        });
      case 'terminal_opened': {
        const { terminal_id, by, command, tty } = effect.terminal;
        return this.#tx.emit({ type: 'session.terminal', data: { terminal_id, state: 'opened', by, command, tty } });
      }
      case 'terminal_ended': {
        const { terminal, ended } = effect;
        const { terminal_id, by, command, tty } = terminal;
        const how = { code: ended?.code ?? null, signal: ended?.signal ?? null };
        const data = { terminal_id, state: 'ended', by, command, tty, ...how } as const;
        return this.#tx.emit({ type: 'session.terminal', data });
      }
      case 'message_failed':
        return this.#giveUp(effect.message_id, 'failed', effect.error);
      case 'message_interrupted':
        return this.#giveUp(effect.message_id, 'interrupted', effect.error);
      case 'announce': {
        const { status, reason } = this.#tx.record.state;
        this.#tx.record = listChanged({ ...this.#tx.record, last_activity: this.#now });
        return this.#tx.emit({ type: 'session.status', data: { status, epoch, reason } });
      }
    }
  }

  #keep(turn: EndedTurnRow): void {
    this.#tables.turns.add(turn);
    this.#tx.turns.push(turn);
  }

  #giveUp(
    message_id: string,
    status: 'failed' | 'interrupted',
    error: Extract<SessionEffect, { do: 'message_failed' }>['error'],
  ): void {
    this.#tables.messages.finish(message_id, status, error, true, this.#now);
    this.#tx.finished.push(message_id);
    this.#tx.emit({ type: `message.${status}`, data: { message_id, error } });
  }
}
