import { v7 as uuidV7 } from 'uuid';
import type { ResolveRequest } from '../../../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../../../protocol/api/problem.ts';
import {
  detach,
  expire,
  messageOf,
  open,
  resolve,
  undelivered,
  withdraw,
  type InteractionRequest,
  type InteractionLimits,
  type Interaction,
} from '../../../shared/interactions/interaction.ts';
import { remind } from '../../../shared/interactions/reminders.ts';
import { canHear } from '../../core/state.ts';
import type { CommandTable } from '../tables/command-table.ts';
import type { InteractionTable } from '../tables/interaction-table.ts';
import { inboxChanged } from '../record.ts';
import type { Change } from './change.ts';

interface Context {
  readonly table: InteractionTable;
  readonly commands: CommandTable;
  readonly limits: InteractionLimits;
  readonly now: number;
}

/** The part of a transaction about questions and permissions: who is asked, and how answers reach the agent. */
export class InteractionChanges {
  readonly #tx: Change;
  readonly #table: InteractionTable;
  readonly #commands: CommandTable;
  readonly #limits: InteractionLimits;
  readonly #now: number;

  constructor(tx: Change, { table, commands, limits, now }: Context) {
    this.#tx = tx;
    this.#table = table;
    this.#commands = commands;
    this.#limits = limits;
    this.#now = now;
  }

  /** The container asks something. An id that it has used before is ignored. */
  asked(ask: InteractionRequest): void {
    if (this.#table.has(ask.id)) return;
    const { link, state, open_interactions } = this.#tx.record;
    const attached = link.epoch === state.epoch && canHear(state);
    const context = { epoch: link.epoch, now: this.#now, attached, open: open_interactions, limits: this.#limits };
    const opening = open(ask, context);
    if ('refused' in opening) return this.#tx.order(opening.refused);
    const { interaction_id, subject, priority, deadline } = opening.opened;
    const data = { interaction_id, subject, priority, deadline: new Date(deadline).toISOString() };
    this.#tx.emit({ type: 'interaction.opened', data });
    this.#table.add(opening.opened, this.#tx.seq);
    this.#listed();
    this.#count();
  }

  /** The container no longer waits for what it asked. */
  withdrawn(id: string, of: Interaction['of']): void {
    const interaction = this.#table.get(id);
    if (interaction === null || interaction.of !== of || interaction.epoch !== this.#tx.record.link.epoch) return;
    this.#withdraw(interaction);
    this.#count();
  }

  /** A person answers; null: there is no interaction with this id. */
  resolve(id: string, request: ResolveRequest, by: string): Interaction | Refusal | null {
    const interaction = this.#table.get(id);
    if (interaction === null) return null;
    const resolved = resolve(interaction, request, by, this.#now);
    if ('refused' in resolved) return resolved;
    if ('same' in resolved) return interaction;
    this.#close(resolved.interaction);
    if (resolved.order !== null) this.#tx.order(resolved.order);
    this.#count();
    this.pass();
    return resolved.interaction;
  }

  /** Applies the defaults of interactions whose deadline has passed. */
  expire(): void {
    for (const interaction of this.#table.due(this.#now)) {
      const expired = expire(interaction, this.#now);
      if (expired === null) continue;
      this.#close(expired.interaction);
      if (expired.order !== null) this.#tx.order(expired.order);
    }
    this.#count();
    this.pass();
  }

  /** Reminds people of open interactions. */
  remind(): void {
    for (const interaction of this.#table.toRemind(this.#now)) {
      const reminded = remind(interaction, this.#now);
      if (reminded === null) continue;
      this.#table.save(reminded);
      const { interaction_id, reminded: attempt, reminders: of, deadline } = reminded;
      const data = { interaction_id, attempt, of, deadline: new Date(deadline).toISOString() };
      this.#tx.emit({ type: 'interaction.reminded', data });
    }
  }

  /** `claude` is gone, so nothing in the container waits. `interrupted`: its turn was being ended, which withdraws what it asked. */
  gone(interrupted: boolean): void {
    for (const interaction of this.#table.attached()) {
      if (interrupted) this.#withdraw(interaction);
      else {
        this.#table.save(detach(interaction));
        this.#listed();
      }
    }
    this.#count();
  }

  /** The container has ended: answers that it had not taken will become messages. Call this before its commands are deleted. */
  undelivered(): void {
    for (const interaction of this.#untaken()) this.#table.save(undelivered(interaction));
  }

  /** Turns answers that no `claude` waits for into messages, unless a `claude` is just ending: it would lose them. */
  pass(): void {
    const { container, exit } = this.#tx.record.state;
    if (exit !== null && container !== 'none' && container !== 'ending') return;
    for (const interaction of this.#table.owed()) {
      this.#table.save({ ...interaction, answer: 'over' });
      const prompt = messageOf(interaction);
      if (prompt !== null) this.#tx.prompt({ message_id: uuidV7(), prompt, origin: 'user' });
    }
  }

  /** Interactions whose answer was sent to the container, which has not taken it yet. */
  #untaken(): Interaction[] {
    return this.#commands.after(this.#tx.record.state.epoch, 0).flatMap(({ command }) => {
      const { command: kind } = command;
      if (kind !== 'resolve' && kind !== 'tool_result') return [];
      const interaction = this.#table.get(kind === 'resolve' ? command.interaction_id : command.call_id);
      return interaction?.answer === 'ordered' ? [interaction] : [];
    });
  }

  #withdraw(interaction: Interaction): void {
    const withdrawn = withdraw(interaction, this.#now);
    if (withdrawn === null) return;
    if (interaction.state === 'open') this.#close(withdrawn);
    else this.#table.save(withdrawn);
  }

  #close(interaction: Interaction): void {
    const { interaction_id, state, resolved_by, resolution } = interaction;
    this.#table.save(interaction);
    if (state === 'open') return;
    this.#listed();
    this.#tx.emit({ type: 'interaction.closed', data: { interaction_id, state, resolved_by, resolution } });
  }

  /** The owner's inbox, and the list, are to show a change of what waits. */
  #listed(): void {
    this.#tx.record = inboxChanged(this.#tx.record);
  }

  /** Counts the open interactions after a change. A turn's time stands still while it waits for one. */
  #count(): void {
    const { record } = this.#tx;
    const open_interactions = this.#table.countOpen();
    if (open_interactions !== record.open_interactions) this.#tx.record = { ...record, open_interactions };
    this.#tx.input({ on: 'asking', asking: this.#table.isAsking() });
  }
}
