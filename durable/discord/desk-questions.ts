import { v7 as uuidV7 } from 'uuid';
import type { DiscordAskRequest } from '../../protocol/discord.ts';
import type { InteractionView, ResolveRequest } from '../../protocol/interaction.ts';
import type { Refusal } from '../../protocol/problem.ts';
import { expire, MAX_OPEN, open, resolve, type Interaction } from '../core/interactions.ts';
import { nextReminder, remind } from '../core/reminders.ts';
import { interactionViewOf } from '../interaction-views.ts';
import type { DeskNewsroom } from './desk-news.ts';
import type { DeskTable } from './desk-table.ts';
import { laneOf, type Outbox } from './outbox.ts';

/** How long questions over Discord stay open where they do not say, milliseconds, and how often people are reminded. */
export interface QuestionLimits {
  readonly timeout: number;
  readonly longest: number;
  readonly reminders: number;
}

const NOT_THERE: Refusal = {
  refused: 'interaction_not_found',
  detail: 'You have asked nothing with this id over Discord.',
};

/** Questions that are asked over Discord by `POST /discord/ask`, and not by a session. Each is told as if its id were its session's. */
export class DeskQuestions {
  readonly #table: DeskTable;
  readonly #outbox: Outbox;
  readonly #news: DeskNewsroom;
  readonly #limits: QuestionLimits;

  constructor(table: DeskTable, outbox: Outbox, news: DeskNewsroom, limits: QuestionLimits) {
    this.#table = table;
    this.#outbox = outbox;
    this.#news = news;
    this.#limits = limits;
  }

  ask(owner: string, id: string, input: DiscordAskRequest, now: number): InteractionView | Refusal {
    const known = this.#table.ownAsk(id);
    if (known !== null) return viewOf(known.interaction);
    const { timeout, longest, reminders } = this.#limits;
    const opening = open(
      { of: 'tool', id, input },
      {
        epoch: 1,
        now,
        attached: true,
        open: this.#table.countOpenOwnAsks(owner),
        limits: { timeout, longest, reminders, permission_default: 'deny', people: [owner] },
      },
    );
    if ('refused' in opening) {
      const detail =
        'text' in opening.refused ? opening.refused.text : `${MAX_OPEN} questions of yours are open already.`;
      return { refused: 'invalid_request', detail };
    }
    const interaction = opening.opened;
    this.#save(owner, interaction);
    const view = viewOf(interaction);
    this.#table.saveAsk(view);
    this.#outbox.add(laneOf('channel'), { do: 'ask', to: 'channel', interaction_id: id });
    return view;
  }

  show(owner: string, id: string): InteractionView | Refusal {
    const found = this.#table.ownAsk(id);
    return found === null || found.owner !== owner ? NOT_THERE : viewOf(found.interaction);
  }

  /** Null: it is none of these. */
  view(id: string): InteractionView | null {
    const found = this.#table.ownAsk(id);
    return found === null ? null : viewOf(found.interaction);
  }

  ownerOf(id: string): string | null {
    return this.#table.ownAsk(id)?.owner ?? null;
  }

  resolve(id: string, request: ResolveRequest, by: string, now: number): InteractionView | Refusal {
    const found = this.#table.ownAsk(id);
    if (found === null) return NOT_THERE;
    // Who may answer was looked at on Discord, where they are.
    const resolved = resolve({ ...found.interaction, answerers: null }, request, by, now);
    if ('refused' in resolved) return resolved;
    if ('same' in resolved) return viewOf(found.interaction);
    return this.#change(found.owner, resolved.interaction);
  }

  /** When one is to be looked at next, epoch milliseconds; null: none. */
  nextDue(): number | null {
    return this.#table.nextOwnAsk();
  }

  /** Time has passed. */
  clock(now: number): void {
    for (const id of this.#table.ownAsksDue(now)) {
      const found = this.#table.ownAsk(id);
      if (found === null) continue;
      const expired = expire(found.interaction, now);
      if (expired !== null) {
        this.#change(found.owner, expired.interaction);
        continue;
      }
      const reminded = remind(found.interaction, now);
      if (reminded === null) {
        this.#save(found.owner, found.interaction);
        continue;
      }
      this.#save(found.owner, reminded);
      const { reminded: attempt, reminders: of } = reminded;
      this.#outbox.add(laneOf('channel'), { do: 'remind', interaction_id: id, attempt, of });
    }
  }

  #change(owner: string, interaction: Interaction): InteractionView {
    this.#save(owner, interaction);
    const view = viewOf(interaction);
    this.#news.closed(view, 'channel');
    return view;
  }

  #save(owner: string, interaction: Interaction): void {
    const reminder = nextReminder(interaction);
    const due = interaction.state === 'open' ? Math.min(interaction.deadline, reminder ?? interaction.deadline) : null;
    this.#table.saveOwnAsk(owner, interaction, due);
  }
}

/** A question's id, which is its session's as well. */
export const questionId = () => uuidV7();

function viewOf(interaction: Interaction): InteractionView {
  return interactionViewOf(interaction, interaction.interaction_id);
}
