import type {
  APIApplicationCommandOptionChoice,
  APIInteractionResponse,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import { MAX_CONTENT } from '../text/limits.ts';
import { PING_NOBODY } from '../text/mentions.ts';
import { cut } from '../text/text.ts';
import { FLAG, RESPONSE } from './constants.ts';
import type { MessageBody } from './message.ts';

/** Answers to an interaction: bodies of the HTTP response to it. Discord waits 3 seconds for one. */

/** A message that only the person sees. */
export function ephemeral(content: string): APIInteractionResponse {
  return {
    type: RESPONSE.message,
    data: { content: cut(content, MAX_CONTENT), flags: FLAG.ephemeral, allowed_mentions: PING_NOBODY },
  };
}

/** The answer comes later, as an edit of `@original`. This response decides who sees it. */
export function deferred(seenBy: 'all' | 'asker'): APIInteractionResponse {
  return { type: RESPONSE.deferred_message, ...(seenBy === 'asker' ? { data: { flags: FLAG.ephemeral } } : {}) };
}

/** Acknowledges a component. Its message may be edited later. */
export function deferredUpdate(): APIInteractionResponse {
  return { type: RESPONSE.deferred_update };
}

/** Replaces the message of a component. */
export function updateMessage({ content, components, allowed_mentions, flags }: MessageBody): APIInteractionResponse {
  return { type: RESPONSE.update, data: { content, components, allowed_mentions, flags } };
}

export function autocompleteChoices(offered: APIApplicationCommandOptionChoice<string>[]): APIInteractionResponse {
  return { type: RESPONSE.choices, data: { choices: offered } };
}

/** Opens a modal: only as the first answer to a command or a component, never as the answer to a modal. */
export function openModal(modal: APIModalInteractionResponseCallbackData): APIInteractionResponse {
  return { type: RESPONSE.modal, data: modal };
}
