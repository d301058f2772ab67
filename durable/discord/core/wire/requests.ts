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
import { MAX_THREAD_NAME } from '../text/limits.ts';
import { cutLine } from '../text/text.ts';
import { ARCHIVED_AFTER_A_DAY } from './constants.ts';
import type { MessageFile } from './message.ts';
import { firstSnowflakeAt } from './snowflake.ts';

/** A request to Discord, as plain data. */
export interface DiscordRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT';
  /** Below the API's base URL. */
  readonly path: string;
  /** Sent as JSON; null: none. */
  readonly body: object | null;
  readonly file: MessageFile | null;
  /** `token`: the path holds an interaction's token, and no other authorization is needed. */
  readonly by: 'bot' | 'token';
}

type Path<Route extends keyof typeof Routes> = ReturnType<(typeof Routes)[Route]>;

/**
 * @param nonce up to 25 characters that identify this message. The same nonce again within some minutes returns the
 *   existing message and makes no other one
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

/** Lists the first hundred messages since then (epoch milliseconds) in the request's channel; null: it makes no message. */
export function messagesSince({ method, path }: DiscordRequest, since: number): DiscordRequest | null {
  if (method !== 'POST' || !/^\/channels\/[^/]+\/messages$/.test(path)) return null;
  const query = `after=${firstSnowflakeAt(since)}&limit=100`;
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

/** Starts a thread on a message. The thread gets the message's id. `name` is cut to fit. */
export function startThread(channel: string, message: string, name: string): DiscordRequest {
  const path: Path<'threads'> = `/channels/${id(channel)}/messages/${id(message)}/threads`;
  const body: RESTPostAPIChannelMessagesThreadsJSONBody = {
    name: cutLine(name, MAX_THREAD_NAME, 'Session'),
    auto_archive_duration: ARCHIVED_AFTER_A_DAY,
  };
  return { method: 'POST', path, body, file: null, by: 'bot' };
}

/** Opens an archived thread again. Nothing in an archived thread can be edited. */
export function unarchive(thread: string): DiscordRequest {
  const path: Path<'channel'> = `/channels/${id(thread)}`;
  const body: RESTPatchAPIChannelJSONBody = { archived: false };
  return { method: 'PATCH', path, body, file: null, by: 'bot' };
}

/** Edits the answer to an interaction, deferred or not. Possible for 15 minutes. */
export function editOriginal(
  application: string,
  token: string,
  body: RESTPatchAPIInteractionOriginalResponseJSONBody,
  file: MessageFile | null = null,
): DiscordRequest {
  const path: Path<'webhookMessage'> = `/webhooks/${id(application)}/${id(token)}/messages/@original`;
  return { method: 'PATCH', path, body, file, by: 'token' };
}

/** Sends another message in answer to an interaction. Possible for 15 minutes. */
export function followUp(
  application: string,
  token: string,
  body: RESTPostAPIInteractionFollowupJSONBody,
): DiscordRequest {
  const path: Path<'webhook'> = `/webhooks/${id(application)}/${id(token)}`;
  return { method: 'POST', path, body, file: null, by: 'token' };
}

/** Replaces all commands of the application; `guild`: in that server alone. */
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
