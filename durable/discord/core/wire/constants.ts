// oxlint-disable typescript/no-unsafe-enum-assignment -- numbers are given the types of enums here, and nowhere else
import type {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ButtonStyle,
  ComponentType,
  InteractionContextType,
  InteractionResponseType,
  MessageFlags,
  TextInputStyle,
  ThreadAutoArchiveDuration,
} from 'discord-api-types/v10';

/**
 * The numbers of Discord's API that we use, with the types of discord-api-types. That package's values are not
 * imported: they come all together and add 87 kB to the Worker. A test compares these with them.
 */
export const COMPONENT = {
  row: 1 as ComponentType.ActionRow,
  button: 2 as ComponentType.Button,
  select: 3 as ComponentType.StringSelect,
  text: 4 as ComponentType.TextInput,
  label: 18 as ComponentType.Label,
};

export const BUTTON = {
  primary: 1 as ButtonStyle.Primary,
  secondary: 2 as ButtonStyle.Secondary,
  success: 3 as ButtonStyle.Success,
  danger: 4 as ButtonStyle.Danger,
};

export const PARAGRAPH = 2 as TextInputStyle.Paragraph;

export const COMMAND = 1 as ApplicationCommandType.ChatInput;

export const OPTION = {
  subcommand: 1 as ApplicationCommandOptionType.Subcommand,
  string: 3 as ApplicationCommandOptionType.String,
};

export const IN_SERVER = 0 as InteractionContextType.Guild;
export const INSTALLED_IN_SERVER = 0 as ApplicationIntegrationType.GuildInstall;

/** A thread without messages is archived after this time, minutes. */
export const ARCHIVED_AFTER_A_DAY = 1440 as ThreadAutoArchiveDuration.OneDay;

export const FLAG = {
  /** No link previews: for these Discord would fetch URLs that a model wrote. */
  suppress_embeds: 4 as MessageFlags.SuppressEmbeds,
  /** Only the person who acted sees the answer. */
  ephemeral: 64 as MessageFlags.Ephemeral,
};

export const RESPONSE = {
  pong: 1 as InteractionResponseType.Pong,
  message: 4 as InteractionResponseType.ChannelMessageWithSource,
  /** Shows "… is thinking" until `@original` is edited. */
  deferred_message: 5 as InteractionResponseType.DeferredChannelMessageWithSource,
  /** For a component: nothing is shown until its message is edited. */
  deferred_update: 6 as InteractionResponseType.DeferredMessageUpdate,
  /** For a component: its message is replaced. */
  update: 7 as InteractionResponseType.UpdateMessage,
  choices: 8 as InteractionResponseType.ApplicationCommandAutocompleteResult,
  modal: 9 as InteractionResponseType.Modal,
};
