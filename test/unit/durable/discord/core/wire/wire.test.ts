import * as discord from 'discord-api-types/v10';
import { expect, it } from 'vitest';
import * as wire from '../../../../../../durable/discord/core/wire/constants.ts';
import { INTERACTION, PONG } from '../../../../../../protocol/api/discord.ts';

it('our numbers are those of discord-api-types', () => {
  expect({ ...wire }).toEqual({
    COMPONENT: {
      row: discord.ComponentType.ActionRow,
      button: discord.ComponentType.Button,
      select: discord.ComponentType.StringSelect,
      text: discord.ComponentType.TextInput,
      label: discord.ComponentType.Label,
    },
    BUTTON: {
      primary: discord.ButtonStyle.Primary,
      secondary: discord.ButtonStyle.Secondary,
      success: discord.ButtonStyle.Success,
      danger: discord.ButtonStyle.Danger,
    },
    PARAGRAPH: discord.TextInputStyle.Paragraph,
    COMMAND: discord.ApplicationCommandType.ChatInput,
    OPTION: {
      subcommand: discord.ApplicationCommandOptionType.Subcommand,
      string: discord.ApplicationCommandOptionType.String,
    },
    IN_SERVER: discord.InteractionContextType.Guild,
    INSTALLED_IN_SERVER: discord.ApplicationIntegrationType.GuildInstall,
    ARCHIVED_AFTER_A_DAY: discord.ThreadAutoArchiveDuration.OneDay,
    FLAG: { suppress_embeds: discord.MessageFlags.SuppressEmbeds, ephemeral: discord.MessageFlags.Ephemeral },
    RESPONSE: {
      pong: discord.InteractionResponseType.Pong,
      message: discord.InteractionResponseType.ChannelMessageWithSource,
      deferred_message: discord.InteractionResponseType.DeferredChannelMessageWithSource,
      deferred_update: discord.InteractionResponseType.DeferredMessageUpdate,
      update: discord.InteractionResponseType.UpdateMessage,
      choices: discord.InteractionResponseType.ApplicationCommandAutocompleteResult,
      modal: discord.InteractionResponseType.Modal,
    },
  });
  expect(PONG).toEqual({ type: discord.InteractionResponseType.Pong });
  expect(INTERACTION).toEqual({
    ping: discord.InteractionType.Ping,
    command: discord.InteractionType.ApplicationCommand,
    component: discord.InteractionType.MessageComponent,
    autocomplete: discord.InteractionType.ApplicationCommandAutocomplete,
    modal: discord.InteractionType.ModalSubmit,
  });
});
