import type {
  RESTPatchAPIChannelJSONBody,
  RESTPatchAPIChannelMessageJSONBody,
  RESTPostAPIChannelMessageJSONBody,
  RESTPostAPIChannelMessagesThreadsJSONBody,
  RESTPostAPIInteractionFollowupJSONBody,
  RESTPatchAPIInteractionOriginalResponseJSONBody,
  RESTPutAPIApplicationCommandsJSONBody,
  Routes,
} from 'discord-api-types/v10';
import type { MessageFile } from '../interaction-message.ts';
import { MAX_THREAD_NAME } from '../text/limits.ts';
import { snowflakeAt } from './snowflake.ts';
import { cutLine } from '../text/text.ts';
import { ARCHIVED_AFTER_A_DAY } from './wire.ts';

/** A request to Discord as plain data, to be stored until it is sent. */
export interface DiscordRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT';
  /** Below the API's base. */
  readonly path: string;
  /** As JSON; null: none. */
  readonly body: object | null;
  readonly file: MessageFile | null;
  /** `token`: the path has an interaction's token, and that is all the leave it takes. */
  readonly by: 'bot' | 'token';
}

type Path<Route extends keyof typeof Routes> = ReturnType<(typeof Routes)[Route]>;

/**
 * @param nonce up to 25 characters that tell this message from the bot's others: the same again within some minutes gives the message that
 *   there is, not another one
 */
export function createMessage(
  channel: string,
  body: RESTPostAPIChannelMessageJSONBody,
  { nonce, file = null }: { readonly nonce?: string; readonly file?: MessageFile | null } = {},
): DiscordRequest {
  const path: Path<'channelMessages'> = `/channels/${id(channel)}/messages`;
  const once = nonce === undefined ? {} : { nonce, enforce_nonce: true };
  return { method: 'POST', path, body: { ...body, ...once }, file, by: 'bot' };
}

/** The first hundred messages where the request makes one, from then on (epoch milliseconds); null: it makes none. */
export function messagesSince({ method, path }: DiscordRequest, since: number): DiscordRequest | null {
  if (method !== 'POST' || !/^\/channels\/[^/]+\/messages$/.test(path)) return null;
  const query = `after=${snowflakeAt(since)}&limit=100`;
  return { method: 'GET', path: `${path}?${query}`, body: null, file: null, by: 'bot' };
}

export function editMessage(
  channel: string,
  message: string,
  body: RESTPatchAPIChannelMessageJSONBody,
): DiscordRequest {
  const path: Path<'channelMessage'> = `/channels/${id(channel)}/messages/${id(message)}`;
  return { method: 'PATCH', path, body, file: null, by: 'bot' };
}

/** A thread on a message, with the message's id as its own. `name` is cut to fit. */
export function startThread(channel: string, message: string, name: string): DiscordRequest {
  const path: Path<'threads'> = `/channels/${id(channel)}/messages/${id(message)}/threads`;
  const body: RESTPostAPIChannelMessagesThreadsJSONBody = {
    name: cutLine(name, MAX_THREAD_NAME, 'Session'),
    auto_archive_duration: ARCHIVED_AFTER_A_DAY,
  };
  return { method: 'POST', path, body, file: null, by: 'bot' };
}

/** Of an archived thread: in one nothing can be edited. */
export function openAgain(thread: string): DiscordRequest {
  const path: Path<'channel'> = `/channels/${id(thread)}`;
  const body: RESTPatchAPIChannelJSONBody = { archived: false };
  return { method: 'PATCH', path, body, file: null, by: 'bot' };
}

/** The answer to an interaction, after a deferred one or to change it. For 15 minutes. */
export function editOriginal(
  application: string,
  token: string,
  body: RESTPatchAPIInteractionOriginalResponseJSONBody,
  file: MessageFile | null = null,
): DiscordRequest {
  const path: Path<'webhookMessage'> = `/webhooks/${id(application)}/${id(token)}/messages/@original`;
  return { method: 'PATCH', path, body, file, by: 'token' };
}

/** A further message to an interaction. For 15 minutes. */
export function followUp(
  application: string,
  token: string,
  body: RESTPostAPIInteractionFollowupJSONBody,
): DiscordRequest {
  const path: Path<'webhook'> = `/webhooks/${id(application)}/${id(token)}`;
  return { method: 'POST', path, body, file: null, by: 'token' };
}

/** All commands of the application, in place of those that there are; `guild`: in that server alone. */
export function putCommands(
  application: string,
  guild: string | null,
  commands: RESTPutAPIApplicationCommandsJSONBody,
): DiscordRequest {
  const everywhere: Path<'applicationCommands'> = `/applications/${id(application)}/commands`;
  if (guild === null) return { method: 'PUT', path: everywhere, body: commands, file: null, by: 'bot' };
  const path: Path<'applicationGuildCommands'> = `/applications/${id(application)}/guilds/${id(guild)}/commands`;
  return { method: 'PUT', path, body: commands, file: null, by: 'bot' };
}

const id = (text: string) => encodeURIComponent(text);
