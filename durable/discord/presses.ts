import type { APIInteractionResponse } from 'discord-api-types/v10';
import { INTERACTION, type DiscordComponent, type DiscordModalSubmit } from '../../protocol/api/discord.ts';
import type { InteractionView, ResolveRequest } from '../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { isAsked, notAsked } from '../shared/interactions/answerers.ts';
import { decodeCustomId } from './core/custom-id.ts';
import { openMessage } from './core/interaction-message.ts';
import { submittedText, textModal } from './core/modal.ts';
import { press, type Given, type Press } from './core/press.ts';
import { RESPONSE } from './core/wire/constants.ts';
import { deferredUpdate, ephemeral, openModal, updateMessage } from './core/wire/responses.ts';
import { gateStub, sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { inTime } from './in-time.ts';
import { aboutOf, answererName, closedBody } from './outbox/ask-message.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { DeskQuestions } from './questions.ts';
import type { Ask } from './tables/ask-table.ts';
import type { DeskTable } from './tables/desk-table.ts';
import { laneOf } from './tables/outbox-table.ts';

/** Discord waits 3 seconds. After this time a press is acknowledged, and its outcome follows later. Milliseconds. */
const PATIENCE_MS = 2000;

const UNKNOWN = 'This question is not known here, or not any more.';
const FAILED = 'That may not have been taken. Press again: the same answer twice counts once.';
const NOT_LINKED =
  'Your Discord account is nobody’s here yet, so it cannot answer. Get a code with `POST /api/v1/discord/link` and your token, then say `/claude link`.';

/** The person who presses. */
export interface Presser {
  /** Their Discord account. */
  readonly user: string;
  /** The operator's lists name them. */
  readonly isListed: boolean;
  /** Discord takes further answers to this press until then, epoch milliseconds. */
  readonly expires: number;
}

export interface PressDependencies {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly env: EdgeEnv;
  readonly table: DeskTable;
  readonly questions: DeskQuestions;
  readonly outbox: Outbox;
}

/** A press by somebody who may answer. */
interface AllowedPress extends Presser {
  readonly ask: Ask;
  /** The name under which they answer. */
  readonly name: string;
  /** `POST /discord/ask` asks it, and no session. */
  readonly isOwn: boolean;
}

/** Handles pressed buttons, choices from menus, and submitted modals. */
export class DeskPresses {
  readonly #deps: PressDependencies;

  constructor(deps: PressDependencies) {
    this.#deps = deps;
  }

  /** Answers in time. An outcome that takes longer follows in a message. */
  async press(interaction: DiscordComponent | DiscordModalSubmit, presser: Presser): Promise<APIInteractionResponse> {
    const work = this.#press(interaction, presser).catch((error: unknown) => {
      console.error(`discord: a press could not be handled: ${String(error)}`);
      return ephemeral(FAILED);
    });
    const answer = await inTime(work, PATIENCE_MS);
    if (answer !== 'late') return answer;
    this.#deps.ctx.waitUntil(work.then((late) => this.#sendLate(interaction, presser, late)));
    return deferredUpdate();
  }

  async #press(interaction: DiscordComponent | DiscordModalSubmit, presser: Presser): Promise<APIInteractionResponse> {
    const { table, questions } = this.#deps;
    const id = decodeCustomId(interaction.data.custom_id);
    const ask = id === null ? null : table.asks.get(id.interaction_id);
    if (id === null || ask === null || ask.session_id !== id.session_id) return ephemeral(UNKNOWN);
    // The button belongs to an older copy of the message that asks.
    const from = interaction.message?.id;
    if (ask.message_id !== null && from !== undefined && from !== ask.message_id) return ephemeral(UNKNOWN);
    const owner = table.ownerOf(presser.user);
    const own = questions.view(id.interaction_id);
    if (own !== null && owner !== ask.owner && !presser.isListed) {
      return ephemeral(owner === null ? NOT_LINKED : 'This is somebody else’s question: only who asked it answers it.');
    }
    if (own === null && owner === null) return ephemeral(NOT_LINKED);
    const name = answererName(owner, presser.user);
    const pressed = { ...presser, ask, name, isOwn: own !== null };
    const view = own ?? (await sessionStub(this.#deps.env, ask.session_id).interaction(name, ask.interaction_id));
    if ('refused' in view) return ephemeral(`⚠️ ${view.detail}`);
    // A session's owner sees questions that only others may answer.
    if (!isAsked(view, name)) return ephemeral(`⚠️ ${notAsked(view).detail}`);
    const given: Given =
      interaction.type === INTERACTION.modal
        ? { text: submittedText(interaction.data) }
        : { values: interaction.data.values ?? [] };
    // Read again: somebody else may have chosen an answer meanwhile.
    const { draft } = table.asks.get(id.interaction_id) ?? ask;
    return this.#act(press(view, draft, id, given), view, pressed);
  }

  async #act(what: Press, view: InteractionView, pressed: AllowedPress): Promise<APIInteractionResponse> {
    const { table } = this.#deps;
    const { ask, user } = pressed;
    switch (what.press) {
      case 'unknown':
        return ephemeral(UNKNOWN);
      case 'closed':
        // Read again, for the same reason as the draft.
        return updateMessage(closedBody(table, { ...(table.asks.get(ask.interaction_id) ?? ask), view }));
      case 'ask_text':
        return openModal(textModal(view, what.question, what.index, what.typed));
      case 'draft': {
        const { draft, page } = what;
        table.asks.setDraft(ask.interaction_id, draft, page);
        return updateMessage(openMessage(view, { ...aboutOf(table, ask), draft, page }).body);
      }
      case 'resolve':
        break;
    }
    const resolved = await this.#resolve(pressed, what.request);
    if ('refused' in resolved) {
      return ephemeral(
        resolved.refused === 'interaction_closed' ? `That came too late. ${resolved.detail}` : `⚠️ ${resolved.detail}`,
      );
    }
    // Before anything is waited for: another press may be shown who answered. Somebody else may have given the same answer
    // before, elsewhere.
    if (resolved.resolved_by === pressed.name) table.asks.answered(ask.interaction_id, user);
    const answer = { time: Date.now(), actor: pressed.name, action: 'interaction.answered' } as const;
    const detail = `discord ${user} ${ask.interaction_id}`;
    await gateStub(this.#deps.env).record({ ...answer, target: ask.session_id, address: null, detail });
    const answered_by = table.asks.get(ask.interaction_id)?.answered_by ?? null;
    return updateMessage(closedBody(table, { ...ask, view: resolved, answered_by }));
  }

  async #resolve({ ask, name, isOwn }: AllowedPress, request: ResolveRequest): Promise<InteractionView | Refusal> {
    if (isOwn) return this.#deps.questions.resolve(ask.interaction_id, request, name, Date.now());
    return sessionStub(this.#deps.env, ask.session_id).resolve(name, ask.interaction_id, request);
  }

  /** Sends the outcome of a press that took longer than Discord waits. */
  #sendLate(
    { id, token, data }: DiscordComponent | DiscordModalSubmit,
    { expires }: Presser,
    late: APIInteractionResponse,
  ): void {
    const { outbox, table } = this.#deps;
    const read = decodeCustomId(data.custom_id);
    const ask = read === null ? null : table.asks.get(read.interaction_id);
    if (late.type === RESPONSE.update && ask !== null) {
      outbox.add(laneOf(table.placeOf(ask.session_id)), { do: 'show_ask', interaction_id: ask.interaction_id });
    } else {
      // It is too late to open a modal.
      const text = late.type === RESPONSE.message ? (late.data.content ?? '') : 'That took too long. Press again.';
      outbox.add(`whisper ${id}`, { do: 'whisper', token, expires, text });
    }
    outbox.send();
  }
}
