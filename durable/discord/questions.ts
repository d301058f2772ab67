import type { DiscordAskRequest } from '../../protocol/api/discord.ts';
import type { InteractionView, ResolveRequest } from '../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { expire, MAX_OPEN, open, resolve, type Interaction } from '../shared/interactions/interaction.ts';
import { nextReminder, remind } from '../shared/interactions/reminders.ts';
import { interactionViewOf } from '../shared/interactions/interaction-view.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { DeskTable } from './tables/desk-table.ts';
import { laneOf } from './tables/outbox-table.ts';
import type { DeskUpdates } from './updates.ts';

export interface QuestionLimits {
  /** How long a question stays open that does not say, milliseconds. */
  readonly timeout: number;
  /** How long any question may stay open, milliseconds. */
  readonly longest: number;
  /** How often people are reminded at most. */
  readonly reminders: number;
}

const NOT_THERE: Refusal = {
  refused: 'interaction_not_found',
  detail: 'You have asked nothing with this id over Discord.',
};

/** Questions by `POST /discord/ask`, which no session asks. Each has its own id in place of a session's. */
export class DeskQuestions {
  readonly #table: DeskTable;
  readonly #outbox: Outbox;
  readonly #updates: DeskUpdates;
  readonly #limits: QuestionLimits;

  constructor(table: DeskTable, outbox: Outbox, updates: DeskUpdates, limits: QuestionLimits) {
    this.#table = table;
    this.#outbox = outbox;
    this.#updates = updates;
    this.#limits = limits;
  }

  /** @param key the same key with the same question asks nothing more */
  ask(
    owner: string,
    { id, key, input }: { readonly id: string; readonly key: string | undefined; readonly input: DiscordAskRequest },
    now: number,
  ): InteractionView | Refusal {
    const body = JSON.stringify(input);
    const existing = key === undefined ? null : this.#table.asks.ownByKey(owner, key, now);
    if (existing !== null) {
      if (existing.body === body) return this.show(owner, existing.id);
      const detail = 'It came with another question before. Send a new key for a new question.';
      return { refused: 'idempotency_key_reused', detail };
    }
    const known = this.#table.asks.own(id);
    if (known !== null) return viewOf(known.interaction);
    const { timeout, longest, reminders } = this.#limits;
    // The channel belongs to everybody, so the operator limits how often people are reminded there.
    const max_attempts = Math.min(input.max_attempts ?? reminders, reminders);
    const opening = open(
      { of: 'tool', id, input: { ...input, max_attempts } },
      {
        epoch: 1,
        now,
        attached: true,
        open: this.#table.asks.countOpenOwn(owner),
        limits: { timeout, longest, reminders, permission_default: 'deny', people: [owner] },
      },
    );
    if ('refused' in opening) {
      const detail =
        'text' in opening.refused ? opening.refused.text : `${MAX_OPEN} questions of yours are open already.`;
      return { refused: 'invalid_request', detail };
    }
    const interaction = opening.opened;
    this.#save(owner, interaction, now);
    if (key !== undefined) this.#table.asks.setKey(id, owner, key, body);
    const view = viewOf(interaction);
    this.#table.asks.save(view, owner, now);
    this.#outbox.add(laneOf('channel'), { do: 'ask', to: 'channel', interaction_id: id });
    return view;
  }

  show(owner: string, id: string): InteractionView | Refusal {
    const found = this.#table.asks.own(id);
    return found === null || found.owner !== owner ? NOT_THERE : viewOf(found.interaction);
  }

  /** Null: not one of these questions. */
  view(id: string): InteractionView | null {
    const found = this.#table.asks.own(id);
    return found === null ? null : viewOf(found.interaction);
  }

  resolve(id: string, request: ResolveRequest, by: string, now: number): InteractionView | Refusal {
    const found = this.#table.asks.own(id);
    if (found === null) return NOT_THERE;
    const { owner, interaction } = found;
    // The alarm of its deadline may be late.
    const expired = expire(interaction, now)?.interaction;
    if (expired !== undefined) this.#change(owner, expired, now);
    const resolved = resolve(expired ?? interaction, request, by, now);
    if ('refused' in resolved) return resolved;
    return 'same' in resolved ? viewOf(interaction) : this.#change(owner, resolved.interaction, now);
  }

  /** The next deadline or reminder, epoch milliseconds; null: none. */
  nextDeadline(): number | null {
    return this.#table.asks.nextOwn();
  }

  /** Applies the deadlines and reminders that are due. */
  applyDeadlines(now: number): void {
    for (const id of this.#table.asks.ownDue(now)) {
      const found = this.#table.asks.own(id);
      if (found === null) continue;
      const expired = expire(found.interaction, now);
      if (expired !== null) {
        this.#change(found.owner, expired.interaction, now);
        continue;
      }
      const reminded = remind(found.interaction, now);
      if (reminded === null) {
        this.#save(found.owner, found.interaction, now);
        continue;
      }
      this.#save(found.owner, reminded, now);
      const { reminded: attempt, reminders: of } = reminded;
      this.#outbox.add(laneOf('channel'), { do: 'remind', interaction_id: id, attempt, of });
    }
  }

  #change(owner: string, interaction: Interaction, now: number): InteractionView {
    this.#save(owner, interaction, now);
    const view = viewOf(interaction);
    this.#updates.close(view, owner, now);
    return view;
  }

  #save(owner: string, interaction: Interaction, now: number): void {
    const reminder = nextReminder(interaction);
    const due = interaction.state === 'open' ? Math.min(interaction.deadline, reminder ?? interaction.deadline) : null;
    this.#table.asks.saveOwn(owner, interaction, due, now);
  }
}

function viewOf(interaction: Interaction): InteractionView {
  return interactionViewOf(interaction, interaction.interaction_id);
}
