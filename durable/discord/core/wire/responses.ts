import type {
  APIApplicationCommandOptionChoice,
  APIInteractionResponse,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import type { MessageBody } from '../interaction-message.ts';
import { MAX_CONTENT } from '../text/limits.ts';
import { PING_NOBODY } from '../text/mentions.ts';
import { cut } from '../text/text.ts';
import { FLAG, RESPONSE } from './wire.ts';

/** Answers to an interaction, as the body of the HTTP answer to it. Discord waits 3 seconds for one. */

/** A sentence for who asked, which nobody else sees. */
export function whisper(content: string): APIInteractionResponse {
  return {
    type: RESPONSE.message,
    data: { content: cut(content, MAX_CONTENT), flags: FLAG.ephemeral, allowed_mentions: PING_NOBODY },
  };
}

/** The answer comes later, as an edit of `@original`. Whether all see it is decided here. */
export function later(seenBy: 'all' | 'asker'): APIInteractionResponse {
  return { type: RESPONSE.deferred_message, ...(seenBy === 'asker' ? { data: { flags: FLAG.ephemeral } } : {}) };
}

/** To a component: it was understood, and its message may be edited later. */
export function noted(): APIInteractionResponse {
  return { type: RESPONSE.deferred_update };
}

/** To a component: its message becomes this one. */
export function changed({ content, components, allowed_mentions, flags }: MessageBody): APIInteractionResponse {
  return { type: RESPONSE.update, data: { content, components, allowed_mentions, flags } };
}

export function choices(offered: APIApplicationCommandOptionChoice<string>[]): APIInteractionResponse {
  return { type: RESPONSE.choices, data: { choices: offered } };
}

/** To a command or a component, at once: a modal cannot be opened later, nor by another modal. */
export function opened(modal: APIModalInteractionResponseCallbackData): APIInteractionResponse {
  return { type: RESPONSE.modal, data: modal };
}
