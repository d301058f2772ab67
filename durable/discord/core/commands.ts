import type { RESTPutAPIApplicationCommandsJSONBody } from 'discord-api-types/v10';
import * as z from 'zod';
import { permissionMode, sessionConfig } from '../../../protocol/api/session/session-config.ts';
import type { CommandOption, DiscordAutocomplete, DiscordCommand } from '../../../protocol/api/discord.ts';
import { COMMAND, IN_SERVER, INSTALLED_IN_SERVER, OPTION } from './wire/constants.ts';

const session = {
  type: OPTION.string,
  name: 'session',
  description: 'Which session; in a session’s own thread it is that one',
  autocomplete: true,
} as const;

const model = {
  type: OPTION.string,
  name: 'model',
  description: 'Such as opus-4, sonnet-4 or haiku-4',
  max_length: 200,
} as const;

const settings = sessionConfig.shape;

const choices = (values: readonly string[]) => values.map((value) => ({ name: value, value }));

const subcommand = <Name extends string>(name: Name, description: string) => ({
  type: OPTION.subcommand,
  name,
  description,
});

/** The commands, as they are registered with Discord. */
export const DISCORD_COMMANDS: RESTPutAPIApplicationCommandsJSONBody = [
  {
    type: COMMAND,
    name: 'claude',
    description: 'Claude Code in containers of your own',
    // In servers only, because sessions have their threads there.
    contexts: [IN_SERVER],
    integration_types: [INSTALLED_IN_SERVER],
    options: [
      {
        ...subcommand('start', 'Start a session, in a thread of its own'),
        options: [
          { type: OPTION.string, name: 'prompt', description: 'What it is to do', required: true, max_length: 6000 },
          model,
          {
            type: OPTION.string,
            name: 'workspace',
            description: 'A persistent workspace’s name; without, a fresh one',
            max_length: 200,
          },
          {
            type: OPTION.string,
            name: 'environment',
            description: 'A machine that is set up already, by its name',
            max_length: 64,
          },
          {
            type: OPTION.string,
            name: 'on_rate_limit',
            description: 'When a usage limit ends a turn: fail, or wait until it is reset',
            choices: choices(settings.on_rate_limit.unwrap().options),
          },
        ],
      },
      {
        ...subcommand('say', 'Say something to a session'),
        options: [
          { type: OPTION.string, name: 'prompt', description: 'What you say', required: true, max_length: 6000 },
          session,
        ],
      },
      { ...subcommand('status', 'What a session does, and what it has cost'), options: [session] },
      subcommand('list', 'Your sessions'),
      {
        ...subcommand('set', 'Change a session’s model, permission mode or title'),
        options: [
          model,
          {
            type: OPTION.string,
            name: 'mode',
            description: 'What it asks leave for',
            choices: choices(permissionMode.options),
          },
          { type: OPTION.string, name: 'title', description: 'What it is for, in a few words', max_length: 200 },
          session,
        ],
      },
      { ...subcommand('interrupt', 'End what a session does just now'), options: [session] },
      { ...subcommand('stop', 'Stop a session; saying something wakes it'), options: [session] },
      { ...subcommand('tree', 'A session with those that it started'), options: [session] },
      {
        ...subcommand('link', 'Make this Discord account yours, with a code from the API'),
        options: [
          { type: OPTION.string, name: 'code', description: 'The one-time code', required: true, max_length: 100 },
        ],
      },
    ],
  },
];

const onSession = (name: 'status' | 'interrupt' | 'stop' | 'tree') =>
  z.object({ name: z.literal(name), options: z.object({ session: z.string().optional() }) });

const call = z.discriminatedUnion('name', [
  z.object({
    name: z.literal('start'),
    options: z.object({
      prompt: z.string().min(1),
      model: z.string().min(1).optional(),
      workspace: z.string().min(1).optional(),
      environment: z.string().min(1).optional(),
      on_rate_limit: settings.on_rate_limit,
    }),
  }),
  z.object({
    name: z.literal('say'),
    options: z.object({ prompt: z.string().min(1), session: z.string().optional() }),
  }),
  z.object({ name: z.literal('list'), options: z.object({}) }),
  z.object({
    name: z.literal('set'),
    options: z.object({
      model: z.string().min(1).optional(),
      mode: permissionMode.optional(),
      title: z.string().min(1).optional(),
      session: z.string().optional(),
    }),
  }),
  onSession('status'),
  onSession('interrupt'),
  onSession('stop'),
  onSession('tree'),
  z.object({ name: z.literal('link'), options: z.object({ code: z.string().min(1) }) }),
]);

/** A subcommand of `/claude` with its options. `session` is an id that autocomplete offered, or any other text. */
export type CommandCall = z.infer<typeof call>;

/** Null: not one of our commands, or not as we registered it. */
export function readCommand({ data }: DiscordCommand): CommandCall | null {
  const chosen = subcommandOf(data);
  if (chosen === null) return null;
  const options = Object.fromEntries((chosen.options ?? []).map(({ name, value }) => [name, value]));
  const parsed = call.safeParse({ name: chosen.name, options });
  return parsed.success ? parsed.data : null;
}

/** The option that is being typed, for autocomplete; null: none that we complete. */
export function focusedOption({ data }: DiscordAutocomplete): { option: string; typed: string } | null {
  const focused = subcommandOf(data)?.options?.find((option) => option.focused === true);
  return focused === undefined ? null : { option: focused.name, typed: String(focused.value ?? '') };
}

const SUBCOMMAND: number = OPTION.subcommand;

function subcommandOf({ name, options = [] }: DiscordCommand['data']): CommandOption | null {
  const [chosen] = options;
  return name === 'claude' && chosen?.type === SUBCOMMAND ? chosen : null;
}
