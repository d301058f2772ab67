import {
  type APIApplicationCommandAutocompleteGuildInteraction,
  type APIApplicationCommandInteractionDataSubcommandOption,
  type APIChatInputApplicationCommandGuildInteraction,
  type APIGuildMember,
  type APIMessage,
  type APIMessageComponentGuildInteraction,
  type APIModalSubmitGuildInteraction,
  type APIPingInteraction,
  type APIUser,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ChannelType,
  ComponentType,
  GuildMemberFlags,
  InteractionType,
  Locale,
} from 'discord-api-types/v10';
import type { Interaction, Interactions } from './interactions.ts';
import type { ModalBody } from './rules.ts';
import type { Signer } from './signer.ts';
import { isError, type Shown, type World } from './world.ts';

export interface PersonParts {
  /** Where the service takes interactions. */
  readonly url: string;
  readonly user: APIUser;
  readonly roles: readonly string[];
  readonly applicationId: string;
  readonly world: World;
  readonly interactions: Interactions;
  readonly signer: Signer;
  readonly now: () => number;
  readonly answerMs: number;
}

/** What a person gets for what they did. */
export interface Reply {
  /** Why Discord says "The application did not respond" or "This interaction failed"; null: it does not. */
  readonly fault: string | null;
  readonly status: number | null;
  /** Until the answer was there, milliseconds. */
  readonly ms: number;
  /** The message that answers, as it is now: it may still be edited. */
  readonly message: () => Shown | null;
  readonly modal: ModalBody | null;
  readonly choices: Interaction['choices'];
  /** For what is done by it beyond the service: a second delivery, a follow-up. */
  readonly interaction: Interaction;
  /** As it was sent, to be sent again. */
  readonly sent: Sent;
}

export interface Sent {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

type Payload =
  | APIChatInputApplicationCommandGuildInteraction
  | APIApplicationCommandAutocompleteGuildInteraction
  | APIMessageComponentGuildInteraction
  | APIModalSubmitGuildInteraction;
type Options = Readonly<Record<string, string>>;

/** Somebody on Discord, and what they can do there. */
export class Person {
  readonly #parts: PersonParts;

  constructor(parts: PersonParts) {
    this.#parts = parts;
  }

  get id(): string {
    return this.#parts.user.id;
  }

  /** Discord's own check of the service. */
  async ping(): Promise<{ readonly status: number; readonly body: unknown }> {
    const { applicationId, world } = this.#parts;
    const payload: APIPingInteraction = {
      id: world.snowflake(),
      application_id: applicationId,
      type: InteractionType.Ping,
      token: 'ping',
      version: 1,
      app_permissions: '0',
      authorizing_integration_owners: {},
      entitlements: [],
      attachment_size_limit: 10_485_760,
    };
    const response = await this.deliver(this.#sign(payload));
    return { status: response.status, body: await response.json() };
  }

  /** `/claude SUBCOMMAND` in a channel or thread. */
  async command(channel: string, subcommand: string, options: Options = {}): Promise<Reply> {
    const interaction = this.#begin(InteractionType.ApplicationCommand, channel, null);
    return await this.#send(interaction, {
      ...this.#base(interaction),
      type: InteractionType.ApplicationCommand,
      data: { ...this.#claude(), options: [subcommandOption(subcommand, options)] },
    });
  }

  /** Types into an option that completes. */
  async type(channel: string, subcommand: string, option: string, typed: string, others: Options = {}): Promise<Reply> {
    const interaction = this.#begin(InteractionType.ApplicationCommandAutocomplete, channel, null);
    const chosen = subcommandOption(subcommand, { ...others, [option]: typed });
    const options = (chosen.options ?? []).map((one) => (one.name === option ? { ...one, focused: true } : one));
    return await this.#send(interaction, {
      ...this.#base(interaction),
      type: InteractionType.ApplicationCommandAutocomplete,
      data: { ...this.#claude(), options: [{ ...chosen, options }] },
    });
  }

  /** Presses a button, by its label. */
  async press(channel: string, message: string, label: string): Promise<Reply> {
    const button = this.#components(channel, message).find(
      (one) => one.type === ComponentType.Button && 'label' in one && one.label === label,
    );
    if (button === undefined || !('custom_id' in button)) throw new Error(`there is no button "${label}" to press`);
    if (button.disabled === true) throw new Error(`the button "${label}" is disabled`);
    return await this.pressId(channel, message, button.custom_id);
  }

  /** Presses a button by its id, as one that another message had: Discord's own clients cannot. */
  async pressId(channel: string, message: string, custom_id: string): Promise<Reply> {
    const interaction = this.#begin(InteractionType.MessageComponent, channel, message);
    return await this.#send(interaction, {
      ...this.#base(interaction),
      type: InteractionType.MessageComponent,
      message: this.#message(channel, message),
      data: { custom_id, component_type: ComponentType.Button },
    });
  }

  /** Chooses in a menu, by the labels; `menu`: which of the message's, from 0. */
  async choose(channel: string, message: string, labels: readonly string[], menu = 0): Promise<Reply> {
    const menus = this.#components(channel, message).flatMap((one) =>
      one.type === ComponentType.StringSelect ? [one] : [],
    );
    const select = menus[menu];
    if (select === undefined) throw new Error(`there is no menu ${menu}`);
    const values = select.options.filter(({ label }) => labels.includes(label)).map(({ value }) => value);
    const { min_values = 1, max_values = 1 } = select;
    if (values.length !== labels.length || values.length < min_values || values.length > max_values) {
      throw new Error(`the menu does not let one choose ${labels.join(', ')}`);
    }
    const interaction = this.#begin(InteractionType.MessageComponent, channel, message);
    return await this.#send(interaction, {
      ...this.#base(interaction),
      type: InteractionType.MessageComponent,
      message: this.#message(channel, message),
      data: { custom_id: select.custom_id, component_type: ComponentType.StringSelect, values },
    });
  }

  /** Fills in a modal that was opened, each of its fields with the text, and submits it. */
  async submit({ interaction: opener, modal }: Reply, text: string): Promise<Reply> {
    if (modal === null) throw new Error('no modal was opened');
    const interaction = this.#begin(InteractionType.ModalSubmit, opener.channel, opener.source);
    const components = modal.components.map(({ component }, at) => {
      const { min_length = 0, max_length } = component;
      if (text.length < min_length || text.length > max_length) throw new Error('the modal does not take that text');
      return {
        type: ComponentType.Label as const,
        id: at * 2,
        component: {
          type: ComponentType.TextInput as const,
          id: at * 2 + 1,
          custom_id: component.custom_id,
          value: text,
        },
      };
    });
    return await this.#send(interaction, {
      ...this.#base(interaction),
      type: InteractionType.ModalSubmit,
      data: { custom_id: modal.custom_id, components },
      ...(opener.source === null ? {} : { message: this.#message(opener.channel, opener.source) }),
    });
  }

  /** Posts what was signed, as it is. */
  async deliver({ headers, body }: Sent): Promise<Response> {
    const { url, answerMs } = this.#parts;
    return await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(answerMs) });
  }

  async #send(interaction: Interaction, payload: Payload): Promise<Reply> {
    const sent = this.#sign(payload);
    const began = performance.now();
    const came = await this.#answerTo(interaction, sent);
    const ms = performance.now() - began;
    if (came.fault !== null) interaction.state = 'void';
    return {
      ...came,
      ms,
      message: () => {
        const { original } = interaction;
        const shown = original === null ? [] : (this.#parts.world.shown(original.channel) ?? []);
        return shown.find(({ id }) => id === original?.id) ?? null;
      },
      modal: interaction.modal,
      choices: interaction.choices,
      interaction,
      sent,
    };
  }

  async #answerTo(interaction: Interaction, sent: Sent): Promise<{ fault: string | null; status: number | null }> {
    let response: Response;
    let text: string;
    try {
      response = await this.deliver(sent);
      text = await response.text();
    } catch (error) {
      return { fault: `no answer: ${error instanceof Error ? error.name : String(error)}`, status: null };
    }
    const { status, headers } = response;
    // The answer was or is given by the callback.
    if (status === 202 && text === '') return { fault: null, status };
    if (status !== 200) return { fault: `answered ${status}`, status };
    if (!(headers.get('content-type') ?? '').startsWith('application/json'))
      return { fault: 'not JSON by its type', status };
    const refused = this.#parts.interactions.answer(interaction, JSON.parse(text));
    return { fault: refused === null ? null : JSON.stringify(refused.body), status };
  }

  #sign(payload: object): Sent {
    const body = new TextEncoder().encode(JSON.stringify(payload));
    const timestamp = String(Math.floor(this.#parts.now() / 1000));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Discord-Interactions/1.0 (+https://discord.com)',
    };
    return { body, headers: { ...headers, ...this.#parts.signer.headers(timestamp, body) } };
  }

  #begin(type: InteractionType, channel: string, source: string | null): Interaction {
    return this.#parts.interactions.begin(type, this.#parts.user, channel, source);
  }

  #base({ id, token, channel }: Interaction) {
    const { applicationId, world, user, roles } = this.#parts;
    const parent = world.parentOf(channel);
    const member: APIGuildMember & { user: APIUser; permissions: string } = {
      user,
      roles: [...roles],
      nick: null,
      joined_at: '2026-01-01T00:00:00.000000+00:00',
      deaf: false,
      mute: false,
      flags: GuildMemberFlags.CompletedOnboarding,
      permissions: '0',
    };
    return {
      id,
      token,
      application_id: applicationId,
      version: 1 as const,
      guild_id: world.guild,
      channel_id: channel,
      channel:
        parent === null
          ? { id: channel, type: ChannelType.GuildText as const }
          : { id: channel, type: ChannelType.PublicThread as const, parent_id: parent },
      member,
      app_permissions: '0',
      locale: Locale.EnglishUS as const,
      entitlements: [],
      authorizing_integration_owners: { [ApplicationIntegrationType.GuildInstall]: world.guild },
      attachment_size_limit: 10_485_760,
    };
  }

  #claude() {
    return { id: this.#parts.applicationId, name: 'claude', type: ApplicationCommandType.ChatInput as const };
  }

  #message(channel: string, id: string): APIMessage {
    const message = this.#parts.world.find(channel, id);
    if (isError(message)) throw new Error(message.body.message);
    return message;
  }

  #components(channel: string, id: string) {
    const rows = this.#message(channel, id).components ?? [];
    return rows.flatMap((row) => (row.type === ComponentType.ActionRow ? row.components : []));
  }
}

function subcommandOption(name: string, options: Options): APIApplicationCommandInteractionDataSubcommandOption {
  return {
    type: ApplicationCommandOptionType.Subcommand,
    name,
    options: Object.entries(options).map(([option, value]) => ({
      type: ApplicationCommandOptionType.String as const,
      name: option,
      value,
    })),
  };
}
