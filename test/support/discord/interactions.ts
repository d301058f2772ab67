import { type APIUser, InteractionResponseType, InteractionType, MessageFlags } from 'discord-api-types/v10';
import * as z from 'zod';
import {
  answerBody,
  choicesBody,
  deferredBody,
  editBody,
  formErrors,
  modalBody,
  type MessageBody,
  type ModalBody,
} from './rules.ts';
import { type DiscordError, isError, refuse, type SentFile, type World } from './world.ts';

/** How long the token of an interaction is good for. */
const TOKEN_MS = 15 * 60_000;

/** An interaction on its way. */
export interface Interaction {
  readonly id: string;
  readonly token: string;
  readonly type: InteractionType;
  /** Epoch milliseconds. */
  readonly began: number;
  readonly person: APIUser;
  readonly channel: string;
  /** The message of the component that was used. */
  readonly source: string | null;
  state: 'waiting' | 'answered' | 'void';
  /** The message that answers it. */
  original: { readonly channel: string; readonly id: string } | null;
  isDeferred: boolean;
  modal: ModalBody | null;
  choices: readonly { readonly name: string; readonly value: string }[] | null;
}

const response = z.looseObject({ type: z.enum(InteractionResponseType), data: z.unknown().optional() });

const UNKNOWN_WEBHOOK = refuse(404, 10015, 'Unknown Webhook');
const INVALID_TOKEN = refuse(401, 50027, 'Invalid Webhook Token');
const invalid = (error: z.ZodError) => refuse(400, 50035, 'Invalid Form Body', formErrors(error));
const notHere = (what: string) =>
  refuse(400, 50035, 'Invalid Form Body', {
    type: { _errors: [{ code: 'INTERACTION_RESPONSE_TYPE', message: what }] },
  });

/** What the service answers to interactions, and says further to them by their tokens. */
export class Interactions {
  readonly #world: World;
  readonly #bot: APIUser;
  readonly #now: () => number;
  #known = new Map<string, Interaction>();

  constructor(world: World, bot: APIUser, now: () => number) {
    this.#world = world;
    this.#bot = bot;
    this.#now = now;
  }

  begin(type: InteractionType, person: APIUser, channel: string, source: string | null): Interaction {
    const id = this.#world.snowflake();
    const token = Buffer.from(`interaction:${id}:${crypto.randomUUID()}`).toString('base64url');
    const interaction: Interaction = {
      id,
      token,
      type,
      began: this.#now(),
      person,
      channel,
      source,
      state: 'waiting',
      original: null,
      isDeferred: false,
      modal: null,
      choices: null,
    };
    this.#known.set(token, interaction);
    return interaction;
  }

  /** The initial answer; null: it was taken. */
  answer(interaction: Interaction, body: unknown, files: SentFile[] = []): DiscordError | null {
    if (interaction.state === 'answered') return refuse(400, 40060, 'Interaction has already been acknowledged.');
    if (interaction.state === 'void') return refuse(404, 10062, 'Unknown interaction');
    const parsed = response.safeParse(body);
    if (!parsed.success) return invalid(parsed.error);
    const refused = this.#take(interaction, parsed.data, files);
    if (refused === null) interaction.state = 'answered';
    return refused;
  }

  answerById(id: string, token: string, body: unknown, files: SentFile[]): DiscordError | null {
    const interaction = this.#known.get(token);
    if (interaction?.id !== id) return refuse(404, 10062, 'Unknown interaction');
    return this.answer(interaction, body, files);
  }

  /** By whose token a webhook is used. */
  byToken(token: string): Interaction | DiscordError {
    const interaction = this.#known.get(token);
    if (interaction === undefined) return INVALID_TOKEN;
    if (this.#now() - interaction.began >= TOKEN_MS) return INVALID_TOKEN;
    // Before the answer has arrived, and where none came in time, there is nothing behind the token.
    return interaction.state === 'answered' ? interaction : UNKNOWN_WEBHOOK;
  }

  followUp(interaction: Interaction, body: MessageBody, files: SentFile[]) {
    if (interaction.isDeferred && interaction.original !== null) {
      interaction.isDeferred = false;
      return this.#world.edit(interaction.original.channel, interaction.original.id, body, files);
    }
    return this.#world.post(interaction.channel, this.#bot, body, { files, seenBy: seenBy(body.flags, interaction) });
  }

  #take(interaction: Interaction, { type, data }: z.infer<typeof response>, files: SentFile[]): DiscordError | null {
    const isOfComponent = interaction.source !== null;
    switch (type) {
      case InteractionResponseType.ChannelMessageWithSource: {
        if (interaction.type === InteractionType.ApplicationCommandAutocomplete)
          return notHere('Autocomplete takes choices.');
        const body = answerBody.safeParse(data);
        if (!body.success) return invalid(body.error);
        return this.#begun(interaction, body.data, files, false);
      }
      case InteractionResponseType.DeferredChannelMessageWithSource: {
        if (interaction.type === InteractionType.ApplicationCommandAutocomplete)
          return notHere('Autocomplete takes choices.');
        const body = deferredBody.safeParse(data ?? {});
        if (!body.success) return invalid(body.error);
        return this.#begun(interaction, body.data, [], true);
      }
      case InteractionResponseType.DeferredMessageUpdate:
        if (!isOfComponent) return notHere('Only for components.');
        interaction.original = this.#sourceOf(interaction);
        return null;
      case InteractionResponseType.UpdateMessage: {
        if (!isOfComponent) return notHere('Only for components.');
        const body = editBody.safeParse(data);
        if (!body.success) return invalid(body.error);
        interaction.original = this.#sourceOf(interaction);
        const edited = this.#world.edit(interaction.channel, interaction.source ?? '', body.data, files);
        return isError(edited) ? edited : null;
      }
      case InteractionResponseType.ApplicationCommandAutocompleteResult: {
        if (interaction.type !== InteractionType.ApplicationCommandAutocomplete)
          return notHere('Only for autocomplete.');
        const body = choicesBody.safeParse(data);
        if (!body.success) return invalid(body.error);
        interaction.choices = body.data.choices;
        return null;
      }
      case InteractionResponseType.Modal: {
        const isOpenable = [InteractionType.ApplicationCommand, InteractionType.MessageComponent].includes(
          interaction.type,
        );
        if (!isOpenable) return notHere('A modal is not opened by this.');
        const body = modalBody.safeParse(data);
        if (!body.success) return invalid(body.error);
        interaction.modal = body.data;
        return null;
      }
      case InteractionResponseType.Pong:
      case InteractionResponseType.LaunchActivity:
      case InteractionResponseType.PremiumRequired:
      default:
        return notHere('Not an answer to this.');
    }
  }

  #begun(interaction: Interaction, body: MessageBody, files: SentFile[], isLoading: boolean): DiscordError | null {
    const options = { files, isLoading, seenBy: seenBy(body.flags, interaction) };
    const message = this.#world.post(interaction.channel, this.#bot, body, options);
    if (isError(message)) return message;
    interaction.original = { channel: interaction.channel, id: message.id };
    interaction.isDeferred = isLoading;
    return null;
  }

  #sourceOf({ channel, source }: Interaction): Interaction['original'] {
    return source === null ? null : { channel, id: source };
  }
}

function seenBy(flags: number | undefined, { person }: Interaction): string | null {
  return ((flags ?? 0) & MessageFlags.Ephemeral) === 0 ? null : person.id;
}
