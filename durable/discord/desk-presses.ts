import type { APIInteractionResponse } from 'discord-api-types/v10';
import { INTERACTION, type DiscordComponent, type DiscordModalSubmit } from '../../protocol/discord.ts';
import type { InteractionView } from '../../protocol/interaction.ts';
import type { Refusal } from '../../protocol/problem.ts';
import { decodeCustomId, type ComponentId } from '../core/discord/custom-id.ts';
import { closedMessage, openMessage } from '../core/discord/interaction-message.ts';
import { submittedText, textModal } from '../core/discord/modal.ts';
import { press, type Given, type Press } from '../core/discord/press.ts';
import { changed, noted, opened, whisper } from '../core/discord/responses.ts';
import type { EdgeEnv } from '../edge-env.ts';
import type { DeskQuestions } from './desk-questions.ts';
import type { Ask, DeskTable } from './desk-table.ts';

/** Discord waits 3 seconds; a session that takes longer is answered for, and the message follows. Milliseconds. */
const PATIENCE_MS = 2000;

const UNKNOWN = 'This question is not known here, or not any more.';
const NOT_LINKED =
  'Your Discord account is nobody’s here yet, so it cannot answer. Get a code with `POST /api/v1/discord/link` and your token, then say `/claude link`.';

/** Buttons that are pressed, menus that are chosen from, and modals that are filled in. */
export class DeskPresses {
  readonly #env: EdgeEnv;
  readonly #table: DeskTable;
  readonly #questions: DeskQuestions;

  constructor(env: EdgeEnv, table: DeskTable, questions: DeskQuestions) {
    this.#env = env;
    this.#table = table;
    this.#questions = questions;
  }

  async press(interaction: DiscordComponent | DiscordModalSubmit, user: string): Promise<APIInteractionResponse> {
    const id = decodeCustomId(interaction.data.custom_id);
    const ask = id === null ? null : this.#table.ask(id.interaction_id);
    if (id === null || ask === null || ask.session_id !== id.session_id) return whisper(UNKNOWN);
    // A button of a copy: the message that asks is another one.
    const from = interaction.message?.id;
    if (ask.message_id !== null && from !== undefined && from !== ask.message_id) return whisper(UNKNOWN);
    const name = this.#table.ownerOf(user);
    if (name === null) return whisper(NOT_LINKED);
    const own = this.#questions.ownerOf(id.interaction_id);
    if (own !== null && own !== name)
      return whisper('Only who asked for this can have it answered here: it is somebody else’s question.');
    const view = own === null ? await this.#viewOf(ask, name) : this.#questions.view(id.interaction_id);
    if (view === null) return whisper(UNKNOWN);
    if ('refused' in view) return whisper(`⚠️ ${view.detail}`);
    const given: Given =
      interaction.type === INTERACTION.modal
        ? { text: submittedText(interaction.data) }
        : { values: interaction.data.values ?? [] };
    return this.#act(press(view, ask.draft, id, given), { ask, id, view, name, isOwn: own !== null, user });
  }

  async #act(what: Press, context: Pressed): Promise<APIInteractionResponse> {
    const { ask, view, user } = context;
    switch (what.press) {
      case 'unknown':
        return whisper(UNKNOWN);
      case 'closed':
        return changed(closedMessage(view));
      case 'ask_text':
        return opened(textModal(view, what.question, what.index, what.typed));
      case 'draft':
        this.#table.setDraft(ask.interaction_id, what.draft, what.page);
        return changed(openMessage(view, { draft: what.draft, page: what.page }).body);
      case 'resolve':
        break;
    }
    const resolved = await this.#resolve(context, what.request);
    if (resolved === 'late') return noted();
    if (!('refused' in resolved)) return changed(closedMessage(resolved, {}, { discord_user_id: user }));
    if (resolved.refused !== 'interaction_closed') return whisper(`⚠️ ${resolved.detail}`);
    return whisper(`Somebody was faster. ${resolved.detail}`);
  }

  /** `late`: it takes too long to wait for; what becomes of it shows in the message. */
  async #resolve(
    { ask, name, isOwn }: Pressed,
    request: Extract<Press, { press: 'resolve' }>['request'],
  ): Promise<InteractionView | Refusal | 'late'> {
    if (isOwn) return this.#questions.resolve(ask.interaction_id, request, name, Date.now());
    const session = this.#env.SESSION.get(this.#env.SESSION.idFromName(ask.session_id));
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => resolve('late'), PATIENCE_MS);
    try {
      return await Promise.race([session.resolve(name, ask.interaction_id, request), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #viewOf({ session_id, interaction_id }: Ask, name: string): Promise<InteractionView | Refusal> {
    return this.#env.SESSION.get(this.#env.SESSION.idFromName(session_id)).interaction(name, interaction_id);
  }
}

interface Pressed {
  readonly ask: Ask;
  readonly id: ComponentId;
  readonly view: InteractionView;
  /** Who presses: here, and on Discord. */
  readonly name: string;
  readonly user: string;
  readonly isOwn: boolean;
}
