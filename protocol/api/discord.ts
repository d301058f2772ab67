import * as z from 'zod';
import { snowflake } from '../settings/discord-settings.ts';
import { instant } from '../ids.ts';
import { askUserInput, interactionView, notifyUserInput } from './session/interaction.ts';

/**
 * The fields that are read of what Discord sends to `POST /discord/interactions`. Other fields pass unread. Source:
 * discord.com/developers/docs/interactions/receiving-and-responding.
 */

/** `type` of an interaction. */
export const INTERACTION = { ping: 1, command: 2, component: 3, autocomplete: 4, modal: 5 } as const;

/** The answer to a PING. */
export const PONG = { type: 1 } as const;

const discordUser = z.looseObject({
  id: snowflake,
  username: z.string(),
  /** The user's display name. */
  global_name: z.string().nullish(),
});

/** The sender is `member` in a server and `user` in a direct message. */
const origin = {
  id: snowflake,
  application_id: snowflake,
  /** A credential for this interaction, valid for 15 minutes. */
  token: z.string().min(1).max(1024),
  guild_id: snowflake.optional(),
  channel_id: snowflake.optional(),
  /** `parent_id`: the channel of a thread. */
  channel: z.looseObject({ id: snowflake, parent_id: snowflake.nullish() }).optional(),
  member: z.looseObject({ user: discordUser, roles: z.array(snowflake), nick: z.string().nullish() }).optional(),
  user: discordUser.optional(),
};

const optionValue = z.union([z.string(), z.number(), z.boolean()]);

/** A parameter with its value, or a subcommand with its parameters. */
const commandOption = z.looseObject({
  name: z.string(),
  type: z.int(),
  value: optionValue.optional(),
  /** Autocomplete: the user is typing this one. */
  focused: z.boolean().optional(),
  get options() {
    return z.array(commandOption).optional();
  },
});
export type CommandOption = z.infer<typeof commandOption>;

const commandData = z.looseObject({ name: z.string(), options: z.array(commandOption).optional() });

/** The message that a component belongs to. */
const componentMessage = z.looseObject({ id: snowflake, channel_id: snowflake });

const modalField = z.looseObject({
  custom_id: z.string().optional(),
  value: z.union([z.string(), z.boolean()]).nullish(),
  values: z.array(z.string()).optional(),
});

const discordPing = z.looseObject({ type: z.literal(INTERACTION.ping) });

const discordCommand = z.looseObject({ ...origin, type: z.literal(INTERACTION.command), data: commandData });

const discordAutocomplete = z.looseObject({
  ...origin,
  type: z.literal(INTERACTION.autocomplete),
  data: commandData,
});

const discordComponent = z.looseObject({
  ...origin,
  type: z.literal(INTERACTION.component),
  message: componentMessage,
  data: z.looseObject({
    custom_id: z.string(),
    component_type: z.int(),
    /** The chosen values of a select menu. */
    values: z.array(z.string()).max(25).optional(),
  }),
});

const discordModalSubmit = z.looseObject({
  ...origin,
  type: z.literal(INTERACTION.modal),
  /** Present when a component opened the modal: the message of that component. */
  message: componentMessage.optional(),
  data: z.looseObject({
    custom_id: z.string(),
    /** Each with one field; in older modals, with a row of fields. */
    components: z.array(
      z.looseObject({ component: modalField.optional(), components: z.array(modalField).optional() }),
    ),
  }),
});

export const discordInteraction = z.discriminatedUnion('type', [
  discordPing,
  discordCommand,
  discordAutocomplete,
  discordComponent,
  discordModalSubmit,
]);
type DiscordInteraction = z.infer<typeof discordInteraction>;
export type DiscordCommand = z.infer<typeof discordCommand>;
export type DiscordAutocomplete = z.infer<typeof discordAutocomplete>;
export type DiscordComponent = z.infer<typeof discordComponent>;
export type DiscordModalSubmit = z.infer<typeof discordModalSubmit>;
/** An interaction that a person began. */
export type DiscordPersonal = Exclude<DiscordInteraction, z.infer<typeof discordPing>>;

/** The fields that are read of a message or a thread that Discord created. */
export const discordCreated = z.looseObject({ id: snowflake, channel_id: snowflake.optional() });

/** The fields that are read of a channel's messages. */
export const discordMessages = z.array(
  z.looseObject({
    id: snowflake,
    content: z.string(),
    author: z.looseObject({ bot: z.boolean().optional() }),
    attachments: z.array(z.unknown()),
    components: z
      .array(z.looseObject({ components: z.array(z.looseObject({ custom_id: z.string().optional() })).optional() }))
      .optional(),
  }),
);
export type DiscordMessage = z.infer<typeof discordMessages>[number];

/** The body of Discord's refusals; `retry_after` in seconds. */
export const discordErrorBody = z.looseObject({
  code: z.int().optional(),
  message: z.string().optional(),
  retry_after: z.number().min(0).optional(),
  global: z.boolean().optional(),
});

/** `POST /discord/notify`, with the seed's names. */
export const discordNotifyRequest = notifyUserInput;
export type DiscordNotifyRequest = z.infer<typeof discordNotifyRequest>;

/** The 202 of `POST /discord/notify`: it is stored, and is said when Discord can be reached. */
export const discordNotified = z.object({ status: z.literal('queued') });

/** `POST /discord/ask`, with the seed's names. */
export const discordAskRequest = askUserInput.pick({
  question: true,
  options: true,
  timeout_seconds: true,
  max_attempts: true,
  priority: true,
});
export type DiscordAskRequest = z.infer<typeof discordAskRequest>;

/** A question over Discord, as `POST /discord/ask` and `GET /discord/asks/{interaction_id}` show it. */
export const discordQuestion = interactionView.omit({ session_id: true, detached: true });

/** `POST /discord/link`: a code for `/claude link`. It works once, until `expires_at`. */
export const discordLinkCode = z.object({ code: z.string(), expires_at: instant });

/** `GET /discord/link`: the caller's Discord accounts. */
export const discordLinks = z.object({ users: z.array(snowflake) });
