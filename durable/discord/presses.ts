import type { APIInteractionResponse } from 'discord-api-types/v10';
import { INTERACTION, type DiscordComponent, type DiscordModalSubmit } from '../../protocol/api/discord.ts';
import type { InteractionView, ResolveRequest } from '../../protocol/api/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { isAsked, notAsked } from '../shared/interactions/answerers.ts';
import { decodeCustomId } from './core/custom-id.ts';
import { openMessage } from './core/interaction-message.ts';
import { submittedText, textModal } from './core/modal.ts';
import { press, type Given, type Press } from './core/press.ts';
import { changed, noted, opened, whisper } from './core/wire/responses.ts';
import { RESPONSE } from './core/wire/wire.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import { aboutOf, answererName, closedLook } from './ask-looks.ts';
import type { Ask } from './ask-table.ts';
import type { DeskQuestions } from './questions.ts';
import type { DeskTable } from './desk-table.ts';
import { inTime } from './in-time.ts';
import { laneOf, type Outbox } from './outbox/outbox.ts';

/** Discord waits 3 seconds; after so long a press is answered for, and what comes of it follows. Milliseconds. */
const PATIENCE_MS = 2000;

const UNKNOWN = 'This question is not known here, or not any more.';
const FAILED = 'That may not have been taken. Press again: the same answer twice counts once.';
const NOT_LINKED =
  'Your Discord account is nobody’s here yet, so it cannot answer. Get a code with `POST /api/v1/discord/link` and your token, then say `/claude link`.';

/** Who presses. */
export interface Presser {
  /** On Discord. */
  readonly user: string;
  /** The operator's lists name them. */
  readonly isListed: boolean;
  /** Until then Discord takes further answers to this press, epoch milliseconds. */
  readonly expires: number;
}

export interface PressesParts {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly env: EdgeEnv;
  readonly table: DeskTable;
  readonly questions: DeskQuestions;
  readonly outbox: Outbox;
}

/** What somebody who may answer has pressed. */
interface Pressed extends Presser {
  readonly ask: Ask;
  /** Under which name they answer. */
  readonly name: string;
  readonly isOwn: boolean;
}

/** Buttons that are pressed, menus that are chosen from, and modals that are filled in. */
export class DeskPresses {
  readonly #parts: PressesParts;

  constructor(parts: PressesParts) {
    this.#parts = parts;
  }

  /** The answer, in time: what takes longer is told afterwards. */
  async press(interaction: DiscordComponent | DiscordModalSubmit, presser: Presser): Promise<APIInteractionResponse> {
    const work = this.#press(interaction, presser).catch((error: unknown) => {
      console.error(`discord: a press could not be dealt with: ${String(error)}`);
      return whisper(FAILED);
    });
    const answer = await inTime(work, PATIENCE_MS);
    if (answer !== 'late') return answer;
    this.#parts.ctx.waitUntil(work.then((late) => this.#tellLate(interaction, presser, late)));
    return noted();
  }

  async #press(interaction: DiscordComponent | DiscordModalSubmit, presser: Presser): Promise<APIInteractionResponse> {
    const { table, questions } = this.#parts;
    const id = decodeCustomId(interaction.data.custom_id);
    const ask = id === null ? null : table.asks.get(id.interaction_id);
    if (id === null || ask === null || ask.session_id !== id.session_id) return whisper(UNKNOWN);
    // A button of a copy: the message that asks is another one.
    const from = interaction.message?.id;
    if (ask.message_id !== null && from !== undefined && from !== ask.message_id) return whisper(UNKNOWN);
    const owner = table.ownerOf(presser.user);
    const own = questions.view(id.interaction_id);
    if (own !== null && owner !== ask.owner && !presser.isListed) {
      return whisper(owner === null ? NOT_LINKED : 'This is somebody else’s question: only who asked it answers it.');
    }
    if (own === null && owner === null) return whisper(NOT_LINKED);
    const name = answererName(owner, presser.user);
    const pressed = { ...presser, ask, name, isOwn: own !== null };
    const view = own ?? (await this.#session(ask).interaction(name, ask.interaction_id));
    if ('refused' in view) return whisper(`⚠️ ${view.detail}`);
    // Its owner sees what others are to answer.
    if (!isAsked(view, name)) return whisper(`⚠️ ${notAsked(view).detail}`);
    const given: Given =
      interaction.type === INTERACTION.modal
        ? { text: submittedText(interaction.data) }
        : { values: interaction.data.values ?? [] };
    // As it is now: somebody else may have chosen meanwhile.
    const { draft } = table.asks.get(id.interaction_id) ?? ask;
    return this.#act(press(view, draft, id, given), view, pressed);
  }

  async #act(what: Press, view: InteractionView, pressed: Pressed): Promise<APIInteractionResponse> {
    const { table } = this.#parts;
    const { ask, user } = pressed;
    switch (what.press) {
      case 'unknown':
        return whisper(UNKNOWN);
      case 'closed':
        return changed(closedLook(table, { ...ask, view }));
      case 'ask_text':
        return opened(textModal(view, what.question, what.index, what.typed));
      case 'draft': {
        const { draft, page } = what;
        table.asks.setDraft(ask.interaction_id, draft, page);
        return changed(openMessage(view, { ...aboutOf(table, ask), draft, page }).body);
      }
      case 'resolve':
        break;
    }
    const resolved = await this.#resolve(pressed, what.request);
    if ('refused' in resolved) {
      return whisper(
        resolved.refused === 'interaction_closed' ? `That came too late. ${resolved.detail}` : `⚠️ ${resolved.detail}`,
      );
    }
    // The same answer may have been given before, elsewhere and by somebody else.
    if (resolved.resolved_by === pressed.name) table.asks.answered(ask.interaction_id, user);
    const answered_by = table.asks.get(ask.interaction_id)?.answered_by ?? null;
    return changed(closedLook(table, { ...ask, view: resolved, answered_by }));
  }

  async #resolve({ ask, name, isOwn }: Pressed, request: ResolveRequest): Promise<InteractionView | Refusal> {
    if (isOwn) return this.#parts.questions.resolve(ask.interaction_id, request, name, Date.now());
    return this.#session(ask).resolve(name, ask.interaction_id, request);
  }

  /** What came of a press when Discord waited no longer. */
  #tellLate(
    { id, token, data }: DiscordComponent | DiscordModalSubmit,
    { expires }: Presser,
    late: APIInteractionResponse,
  ): void {
    const { outbox, table } = this.#parts;
    const read = decodeCustomId(data.custom_id);
    const ask = read === null ? null : table.asks.get(read.interaction_id);
    if (late.type === RESPONSE.update && ask !== null) {
      outbox.add(laneOf(table.placeOf(ask.session_id)), { do: 'show_ask', interaction_id: ask.interaction_id });
    } else {
      // A modal cannot be opened any more.
      const text = late.type === RESPONSE.message ? (late.data.content ?? '') : 'That took too long. Press again.';
      outbox.add(`whisper ${id}`, { do: 'whisper', token, expires, text });
    }
    outbox.tell();
  }

  #session({ session_id }: Ask) {
    return this.#parts.env.SESSION.get(this.#parts.env.SESSION.idFromName(session_id));
  }
}
