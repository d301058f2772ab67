/**
 * Discord's limits on what a bot sends; discord.com/developers/docs, "Message" and "Component Reference". It counts code points
 * (its API is Python 3: github.com/discord/discord-api-docs/issues/1315). Here UTF-16 units are counted, which are never fewer.
 */

/** Of a message. */
export const MAX_CONTENT = 2000;
/** Of a row of buttons; a select menu has a row to itself. */
export const MAX_BUTTONS = 5;
export const MAX_BUTTON_LABEL = 80;
/** Of an option in a select menu: its label, and its description. */
export const MAX_OPTION_TEXT = 100;
export const MAX_PLACEHOLDER = 150;
export const MAX_MODAL_TITLE = 45;
export const MAX_MODAL_LABEL = 45;
export const MAX_MODAL_DESCRIPTION = 100;
/** What a person may type into a modal. */
export const MAX_MODAL_TEXT = 4000;
export const MAX_THREAD_NAME = 100;
