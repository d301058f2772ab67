import { parseArgs } from 'node:util';
import * as z from 'zod';
import { DISCORD_COMMANDS } from '../durable/discord/core/commands.ts';
import { putCommands } from '../durable/discord/core/wire/requests.ts';
import { type DiscordOutcome, DiscordRest } from '../durable/discord/outbox/rest.ts';
import {
  discordNotConfigured,
  type DiscordReady,
  discordSettings,
  isDiscordReady,
  snowflake,
} from '../protocol/settings/discord-settings.ts';
import { flagFault } from '../start/settings/arguments.ts';
import { readFileVariables } from '../start/settings/file-variables.ts';
import { isRefused, type Refused } from '../start/lib/refused.ts';
import { loadEnvironment } from '../start/settings/settings.ts';

const HELP = `npm run discord:register -- [options]

Registers the commands of CC-Docker (/claude …) with Discord, in place of those that the application has there.
Takes DISCORD_APPLICATION_ID and DISCORD_BOT_TOKEN (or DISCORD_BOT_TOKEN_FILE) from the environment or .env.

  --guild ID     in that server alone, where they are there at once (default: in all servers of the application)
  --help         this text`;

/** Discord's own error code, with status 403. */
const OF_ANOTHER_APPLICATION = 20012;

const registered = z.array(
  z.looseObject({ name: z.string(), options: z.array(z.looseObject({ name: z.string() })).optional() }),
);

type Command = { run: 'help' } | { run: 'register'; guild: string | null };

function parseCommand(): Command | Refused {
  let values;
  try {
    ({ values } = parseArgs({
      options: { guild: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    }));
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows how)` };
  }
  if (values.help) return { run: 'help' };
  const { guild = null } = values;
  if (guild !== null && !snowflake.safeParse(guild).success) {
    return { refused: '--guild must be the id of a server: in Discord, with developer mode on, "Copy Server ID"' };
  }
  return { run: 'register', guild };
}

async function register(): Promise<string | Refused> {
  const command = parseCommand();
  if (isRefused(command)) return command;
  if (command.run === 'help') return HELP;
  const loaded = loadEnvironment();
  const env = isRefused(loaded) ? loaded : readFileVariables(loaded, ['DISCORD_BOT_TOKEN']);
  if (isRefused(env)) return env;
  const parsed = discordSettings.safeParse(env);
  if (!parsed.success) {
    return { refused: parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n') };
  }
  const settings = parsed.data;
  if (!isDiscordReady(settings, 'register')) {
    return { refused: discordNotConfigured(settings, 'register') ?? 'Discord is not configured.' };
  }
  const rest = new DiscordRest({
    fetch,
    baseUrl: settings.DISCORD_API_BASE_URL,
    botToken: settings.DISCORD_BOT_TOKEN,
    applicationId: settings.DISCORD_APPLICATION_ID,
  });
  const { guild } = command;
  const outcome = await rest.send(putCommands(settings.DISCORD_APPLICATION_ID, guild, DISCORD_COMMANDS));
  if (outcome.is !== 'ok') return { refused: fault(outcome, settings, guild) };
  const answered = registered.safeParse(outcome.body);
  if (!answered.success) {
    return { refused: `What answers at ${settings.DISCORD_API_BASE_URL} is not Discord: see to DISCORD_API_BASE_URL.` };
  }
  const commands = answered.data.flatMap(({ name, options = [] }) => options.map((one) => `/${name} ${one.name}`));
  const where =
    guild === null ? 'in all servers of the application (reload Discord to see them)' : `in the server ${guild}`;
  return `Registered ${where}: ${commands.join(', ')}.`;
}

/** A sentence for the operator on what to do. */
function fault(
  outcome: Exclude<DiscordOutcome, { is: 'ok' }>,
  { DISCORD_APPLICATION_ID: application, DISCORD_API_BASE_URL: url }: DiscordReady<'register'>,
  guild: string | null,
): string {
  switch (outcome.is) {
    case 'rate_limited':
      return `Discord takes no more for now: try again in ${Math.max(1, Math.ceil((outcome.until - Date.now()) / 1000))} seconds.`;
    case 'gone':
      return `There is no application ${application} at ${url}: see to DISCORD_APPLICATION_ID and DISCORD_API_BASE_URL. ${outcome.detail}`;
    case 'refused':
      if (outcome.status === 401)
        return `Discord refuses DISCORD_BOT_TOKEN: copy it again, from the page "Bot". ${outcome.detail}`;
      if (outcome.code === OF_ANOTHER_APPLICATION) {
        return `DISCORD_BOT_TOKEN is not that of the application ${application}: both are of one, DISCORD_APPLICATION_ID from "General Information" and the token from "Bot". ${outcome.detail}`;
      }
      if (outcome.status === 403 && guild !== null) {
        return `The application is not in the server ${guild}: install it there first, with the scope applications.commands. ${outcome.detail}`;
      }
      return `Discord refuses the commands: ${outcome.detail}`;
    case 'failed':
      break;
  }
  return outcome.detail;
}

const answer = await register();
if (typeof answer === 'string') console.log(answer);
else {
  console.error(answer.refused);
  process.exitCode = 1;
}
