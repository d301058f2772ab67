/**
 * Discord's limits on what a bot sends; discord.com/developers/docs, "Message" and "Component Reference". Discord
 * counts code points (its API is Python 3: github.com/discord/discord-api-docs/issues/1315). We count UTF-16 units,
 * which are never fewer.
 */

/** The text of a message. */
export const MAX_CONTENT = 2000;
/** Buttons in a row. A menu has a row to itself. */
export const MAX_BUTTONS = 5;
export const MAX_BUTTON_LABEL = 80;
/** An option of a menu: its label, and its description. */
export const MAX_OPTION_TEXT = 100;
export const MAX_PLACEHOLDER = 150;
export const MAX_MODAL_TITLE = 45;
export const MAX_MODAL_LABEL = 45;
export const MAX_MODAL_DESCRIPTION = 100;
/** A text that a person types into a modal. */
export const MAX_MODAL_TEXT = 4000;
export const MAX_THREAD_NAME = 100;
