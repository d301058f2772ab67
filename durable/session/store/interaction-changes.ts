import { v7 as uuidV7 } from 'uuid';
import type { ResolveRequest } from '../../../protocol/api/interaction.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import {
  detach,
  expire,
  letGo,
  messageOf,
  open,
  resolve,
  undelivered,
  withdraw,
  type Ask,
  type AskLimits,
  type Interaction,
} from '../../shared/interactions/interaction.ts';
import { remind } from '../../shared/interactions/reminders.ts';
import { canHear } from '../core/state.ts';
import type { CommandTable } from './tables/command-table.ts';
import type { InteractionTable } from './tables/interaction-table.ts';
import { listChanged } from './record.ts';
import type { Change } from './change.ts';

interface Context {
  readonly table: InteractionTable;
  readonly commands: CommandTable;
  readonly limits: AskLimits;
  readonly now: number;
}

/** The part of a change that is about who is asked what, and how answers reach the agent. */
export class InteractionChanges {
  readonly #tx: Change;
  readonly #table: InteractionTable;
  readonly #commands: CommandTable;
  readonly #limits: AskLimits;
  readonly #now: number;

  constructor(tx: Change, { table, commands, limits, now }: Context) {
    this.#tx = tx;
    this.#table = table;
    this.#commands = commands;
    this.#limits = limits;
    this.#now = now;
  }

  /** The container asks. An id that it has used before asks nothing. */
  asked(ask: Ask): void {
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
    this.#count();
  }

  /** The container says that nobody waits any more for what it asked. */
  withdrawn(id: string, of: Interaction['of']): void {
    const interaction = this.#table.get(id);
    if (interaction === null || interaction.of !== of || interaction.epoch !== this.#tx.record.link.epoch) return;
    this.#withdraw(interaction);
    this.#count();
  }

  /** A turn is over: `claude` itself waits for nobody now; its tools may, for a task in the background, if it went well. */
  turnEnded(ok: boolean): void {
    const isOver = ({ of }: Interaction) => of === 'claude' || !ok;
    for (const interaction of this.#untaken().filter(isOver)) this.#withdraw(interaction);
    if (!this.#tx.record.state.asking) return;
    for (const interaction of this.#table.attached().filter(isOver)) {
      this.#withdraw(interaction);
      this.#tx.order(letGo(interaction));
    }
    this.#count();
  }

  /** Somebody answers; null: nothing has this id. */
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

  /** Takes the defaults of those whose deadline has passed. */
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

  /** Reminds people of what waits for them. */
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

  /** `claude` is gone, and with it whoever waited; `interrupted`: its turn was being ended, so what it asked has ended too. */
  gone(interrupted: boolean): void {
    for (const interaction of this.#table.attached()) {
      if (interrupted) this.#withdraw(interaction);
      else this.#table.save(detach(interaction));
    }
    this.#count();
  }

  /** The container has ended: answers that it had not taken go another way. To be called before its commands are forgotten. */
  undelivered(): void {
    for (const interaction of this.#untaken()) this.#table.save(undelivered(interaction));
  }

  /** Answers that no `claude` waits for any more become messages, unless one is just ending that would take them with it. */
  pass(): void {
    const { container, exit } = this.#tx.record.state;
    if (exit !== null && container !== 'none' && container !== 'ending') return;
    for (const interaction of this.#table.owed()) {
      this.#table.save({ ...interaction, answer: 'over' });
      const prompt = messageOf(interaction);
      if (prompt !== null) this.#tx.prompt(uuidV7(), prompt, null);
    }
  }

  /** Those whose answer the container has been ordered to hand on and has not taken yet. */
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
    this.#tx.emit({ type: 'interaction.closed', data: { interaction_id, state, resolved_by, resolution } });
  }

  /** Some have opened or closed: the session says how many there are, and its turn's time stands still while it waits. */
  #count(): void {
    const { record } = this.#tx;
    const open_interactions = this.#table.countOpen();
    if (open_interactions !== record.open_interactions) {
      this.#tx.record = listChanged({ ...record, open_interactions });
    }
    this.#tx.input({ on: 'asking', asking: this.#table.isAsking() });
  }
}
