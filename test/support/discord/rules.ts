import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ButtonStyle,
  ComponentType,
  InteractionContextType,
  MessageFlags,
} from 'discord-api-types/v10';
import * as z from 'zod';

/** What Discord takes: discord.com/developers/docs, resources/message, components/reference, interactions. It counts code points. */

const codePoints = (text: string) => Array.from(text).length;

const text = (min: number, max: number) =>
  z
    .string({ error: 'STRING_TYPE_CONVERT: Could not interpret as a string.' })
    .refine((value) => codePoints(value.trim()) >= min, {
      error:
        min === 1
          ? 'BASE_TYPE_REQUIRED: This field is required'
          : `BASE_TYPE_MIN_LENGTH: Must be ${min} or more in length.`,
    })
    .refine((value) => codePoints(value) <= max, { error: `BASE_TYPE_MAX_LENGTH: Must be ${max} or fewer in length.` });

const customId = text(1, 100);
const emoji = z.looseObject({ id: z.string().optional(), name: z.string().optional() });

const button = z
  .looseObject({
    type: z.literal(ComponentType.Button),
    style: z.enum(ButtonStyle),
    label: text(1, 80).optional(),
    emoji: emoji.optional(),
    custom_id: customId.optional(),
    url: text(1, 512).optional(),
    disabled: z.boolean().optional(),
  })
  .refine(({ label, emoji }) => label !== undefined || emoji !== undefined, {
    error: 'BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED: A button must have a label or an emoji.',
  })
  .refine(({ style, custom_id, url }) => (style === ButtonStyle.Link ? url && !custom_id : custom_id && !url), {
    error: 'BUTTON_COMPONENT_CUSTOM_ID_OR_URL: A custom id, or of a link its URL, is required.',
  });

const selectOption = z.looseObject({
  label: text(1, 100),
  value: text(1, 100),
  description: text(1, 100).optional(),
  default: z.boolean().optional(),
});

const select = z
  .looseObject({
    type: z.literal(ComponentType.StringSelect),
    custom_id: customId,
    options: z.array(selectOption).min(1).max(25, 'BASE_TYPE_BAD_LENGTH: Must be between 1 and 25 in length.'),
    placeholder: text(0, 150).optional(),
    min_values: z.int().min(0).max(25).default(1),
    max_values: z.int().min(1).max(25).default(1),
  })
  .refine(({ options }) => isUnique(options.map(({ value }) => value)), {
    error: 'SELECT_COMPONENT_OPTION_VALUE_DUPLICATED: The specified option value is already used',
  })
  .refine(({ options, max_values }) => max_values <= options.length, {
    error: 'SELECT_COMPONENT_MAX_VALUES: There are not so many options.',
  })
  .refine(({ min_values, max_values }) => min_values <= max_values, {
    error: 'SELECT_COMPONENT_MIN_VALUES: More have to be chosen than may be.',
  })
  .refine(({ options, max_values }) => options.filter((option) => option.default).length <= max_values, {
    error: 'SELECT_COMPONENT_TOO_MANY_DEFAULTS: More defaults than may be chosen.',
  });

const row = z
  .looseObject({
    type: z.literal(ComponentType.ActionRow),
    components: z
      .array(z.discriminatedUnion('type', [button, select]))
      .min(1, 'BASE_TYPE_BAD_LENGTH: Must be between 1 and 5 in length.')
      .max(5, 'BASE_TYPE_BAD_LENGTH: Must be between 1 and 5 in length.'),
  })
  .refine(
    ({ components }) => components.length === 1 || components.every(({ type }) => type === ComponentType.Button),
    {
      error: 'COMPONENT_LAYOUT_WIDTH_EXCEEDED: The specified component exceeds the maximum width',
    },
  );

const rows = z
  .array(row)
  .max(5, 'BASE_TYPE_BAD_LENGTH: Must be between 1 and 5 in length.')
  .refine((all) => isUnique(all.flatMap(({ components }) => components.flatMap(({ custom_id }) => custom_id ?? []))), {
    error: 'COMPONENT_CUSTOM_ID_DUPLICATED: Component custom id cannot be duplicated',
  });

const id = z.string().regex(/^\d{1,20}$/, 'NUMBER_TYPE_COERCE: Value is not snowflake.');

const set = <T extends z.ZodType<string>>(of: T) =>
  z.array(of).refine((values) => isUnique(values), {
    error: 'SET_TYPE_ALREADY_CONTAINS_VALUE: The set already contains this value',
  });

const allowedMentions = z
  .looseObject({
    parse: set(z.enum(['roles', 'users', 'everyone'])).optional(),
    users: set(id).max(100).optional(),
    roles: set(id).max(100).optional(),
    replied_user: z.boolean().optional(),
  })
  .refine(({ parse = [], users = [] }) => !(parse.includes('users') && users.length > 0), {
    error: 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE: parse:["users"] and users: [ids...] are mutually exclusive.',
  })
  .refine(({ parse = [], roles = [] }) => !(parse.includes('roles') && roles.length > 0), {
    error: 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE: parse:["roles"] and roles: [ids...] are mutually exclusive.',
  });

const embed = z.looseObject({ title: text(0, 256).optional(), description: text(0, 4096).optional() });

const body = z.looseObject({
  content: text(0, 2000).nullish(),
  embeds: z.array(embed).max(10).optional(),
  components: rows.optional(),
  allowed_mentions: allowedMentions.optional(),
  flags: z.int().optional(),
  nonce: z.union([z.int(), text(1, 25)]).optional(),
  enforce_nonce: z.boolean().optional(),
  message_reference: z
    .looseObject({ message_id: id.optional(), fail_if_not_exists: z.boolean().optional() })
    .optional(),
  attachments: z
    .array(z.looseObject({ id: z.union([z.int(), z.string()]), filename: z.string().optional() }))
    .optional(),
});
export type MessageBody = z.infer<typeof body>;

const withFlags = (settable: number) =>
  body.refine(({ flags = 0 }) => (flags & ~settable) === 0, {
    error: 'MESSAGE_FLAGS: Only some flags can be set.',
    path: ['flags'],
  });

const { SuppressEmbeds, SuppressNotifications, Ephemeral } = MessageFlags;
/** A message of the bot's. */
export const messageBody = withFlags(SuppressEmbeds | SuppressNotifications);
/** The same, edited; and what the answer to an interaction is edited to. */
export const editBody = withFlags(SuppressEmbeds);
/** What an interaction is answered with, and what follows that. */
export const answerBody = withFlags(SuppressEmbeds | SuppressNotifications | Ephemeral);
/** Of an answer that comes later: who is to see it. */
export const deferredBody = withFlags(Ephemeral);

const textInput = z
  .looseObject({
    type: z.literal(ComponentType.TextInput),
    custom_id: customId,
    style: z.union([z.literal(1), z.literal(2)]),
    min_length: z.int().min(0).max(4000).optional(),
    max_length: z.int().min(1).max(4000).default(4000),
    required: z.boolean().default(true),
    value: text(0, 4000).optional(),
    placeholder: text(0, 100).optional(),
  })
  .refine(({ min_length = 0, max_length }) => min_length <= max_length, {
    error: 'BASE_TYPE_MIN_LENGTH: More has to be typed than may be.',
  })
  .refine((input) => !('label' in input), { error: 'Within a label, a text input has no label of its own.' });

/** Of a modal: labels, each with an input. Of the inputs there are, only that for a text is known here. */
export const modalBody = z.looseObject({
  custom_id: customId,
  title: text(1, 45),
  components: z
    .array(
      z.looseObject({
        type: z.literal(ComponentType.Label),
        label: text(1, 45),
        description: text(0, 100).optional(),
        component: textInput,
      }),
    )
    .min(1)
    .max(5),
});
export type ModalBody = z.infer<typeof modalBody>;

export const choicesBody = z.looseObject({
  choices: z.array(z.looseObject({ name: text(1, 100), value: text(1, 100) })).max(25),
});

export const threadBody = z.looseObject({
  name: text(1, 100),
  auto_archive_duration: z.union([60, 1440, 4320, 10_080].map((minutes) => z.literal(minutes))).optional(),
  type: z.int().optional(),
});

/** Of a channel: a thread can be opened again. For anything else the bot would have to manage channels. */
export const openBody = z.strictObject({ archived: z.literal(false) });

const SUBCOMMAND: number = ApplicationCommandOptionType.Subcommand;
const GROUP: number = ApplicationCommandOptionType.SubcommandGroup;
const TEXT: number = ApplicationCommandOptionType.String;
const NUMBERS: readonly number[] = [ApplicationCommandOptionType.Integer, ApplicationCommandOptionType.Number];

const commandName = z
  .string()
  .regex(/^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u, 'APPLICATION_COMMAND_INVALID_NAME: Command name is invalid')
  .refine((name) => name === name.toLowerCase(), { error: 'APPLICATION_COMMAND_INVALID_NAME: lower case' });

const commandOption = z.looseObject({
  type: z.int().min(1).max(11),
  name: commandName,
  description: text(1, 100),
  required: z.boolean().optional(),
  autocomplete: z.boolean().optional(),
  choices: z
    .array(z.looseObject({ name: text(1, 100), value: z.union([text(0, 100), z.number()]) }))
    .max(25)
    .optional(),
  min_length: z.int().min(0).max(6000).optional(),
  max_length: z.int().min(1).max(6000).optional(),
  get options() {
    return z.array(commandOption).max(25).optional();
  },
});

/** A command, or something in one. */
type Nested = Pick<z.infer<typeof commandOption>, 'name' | 'description'> & Partial<z.infer<typeof commandOption>>;

const isOfCommands = ({ type }: Nested) => type === SUBCOMMAND || type === GROUP;

/** What has to hold of a command and of all that is in it. */
const COMMAND_RULES: readonly (readonly [error: string, holds: (of: Nested) => boolean])[] = [
  [
    'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID: Required options must be placed before non-required options',
    ({ options = [] }) => {
      const firstOptional = options.findIndex(({ required }) => required !== true);
      return firstOptional === -1 || options.slice(firstOptional).every(({ required }) => required !== true);
    },
  ],
  [
    'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS: Option name already exists',
    ({ options = [] }) => isUnique(options.map(({ name }) => name)),
  ],
  [
    'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID: Subcommands and parameters are not mixed, nor nested deeper',
    ({ type, options = [] }) => {
      if (type === GROUP) return options.every((one) => one.type === SUBCOMMAND);
      if (type === SUBCOMMAND) return !options.some(isOfCommands);
      return (
        (type === undefined || options.length === 0) && (options.every(isOfCommands) || !options.some(isOfCommands))
      );
    },
  ],
  ['A subcommand is not required.', (of) => of.required === undefined || !isOfCommands(of)],
  [
    'Only a text or a number has choices.',
    ({ type = 0, choices, autocomplete }) =>
      type === TEXT || NUMBERS.includes(type) || (choices === undefined && autocomplete !== true),
  ],
  ['With choices there is no autocomplete.', ({ choices, autocomplete }) => !(choices && autocomplete)],
  [
    'Only a text has a length.',
    ({ type, min_length, max_length }) => type === TEXT || (min_length ?? max_length) === undefined,
  ],
];

const each = (of: Nested, holds: (of: Nested) => boolean): boolean =>
  holds(of) && (of.options ?? []).every((one) => each(one, holds));

export const commandsBody = z
  .array(
    z
      .looseObject({
        type: z.literal(ApplicationCommandType.ChatInput).optional(),
        name: commandName,
        description: text(1, 100),
        options: z.array(commandOption).max(25).optional(),
        contexts: z.array(z.enum(InteractionContextType)).optional(),
        integration_types: z.array(z.enum(ApplicationIntegrationType)).min(1).optional(),
      })
      .superRefine(({ name, description, options = [] }, context) => {
        const command: Nested = { name, description, options };
        for (const [error, holds] of COMMAND_RULES) if (!each(command, holds)) context.addIssue(error);
        if (lettersOf(command) > 8000) {
          context.addIssue('APPLICATION_COMMAND_TOO_LARGE: Command exceeds maximum size (8000)');
        }
      }),
  )
  .max(100)
  .refine((commands) => isUnique(commands.map(({ name }) => name)), {
    error: 'APPLICATION_COMMANDS_DUPLICATE_NAME: Application command names must be unique',
  });

/** Names, descriptions and values of a command and all that is in it. */
function lettersOf({ name, description, choices = [], options = [] }: Nested): number {
  const offered = choices.map((choice) => codePoints(choice.name) + codePoints(String(choice.value)));
  const all = [codePoints(name), codePoints(description), ...offered, ...options.map(lettersOf)];
  return all.reduce((sum, letters) => sum + letters, 0);
}

/** Whether there is anything to see. */
export function isEmpty({ content, embeds, components }: MessageBody, files: number): boolean {
  return (content ?? '').trim() === '' && (embeds ?? []).length === 0 && (components ?? []).length === 0 && files === 0;
}

/** Discord's `errors`: the fields as objects within each other, with `_errors` where something is wrong. */
export function formErrors(error: z.ZodError): object {
  const errors: Record<string, unknown> = {};
  for (const { path, message } of error.issues) {
    let at = errors;
    for (const key of path.map(String)) {
      const inner = at[key] ?? {};
      at[key] = inner;
      at = inner as Record<string, unknown>;
    }
    const [, code = 'BASE_TYPE_INVALID', said = message] = /^([A-Z_]+): (.*)$/.exec(message) ?? [];
    at['_errors'] = [{ code, message: said }];
  }
  return errors;
}

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
