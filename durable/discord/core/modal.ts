import type { APIModalInteractionResponseCallbackData } from 'discord-api-types/v10';
import type { DiscordModalSubmit } from '../../../protocol/api/discord.ts';
import type { Question } from '../../../protocol/api/session/interaction.ts';
import { type ComponentOf, encodeCustomId } from './custom-id.ts';
import { MAX_MODAL_DESCRIPTION, MAX_MODAL_LABEL, MAX_MODAL_TEXT, MAX_MODAL_TITLE } from './text/limits.ts';
import { cutLine } from './text/text.ts';
import { COMPONENT, PARAGRAPH } from './wire/constants.ts';

const FIELD = 'text';

/**
 * The modal in which a person types an answer. `index` of the question counts from 0; `typed` is the text that is in it
 * already.
 */
export function textModal(
  of: ComponentOf,
  question: Question,
  index: number,
  typed = '',
): APIModalInteractionResponseCallbackData {
  const label = cutLine(question.header ?? question.question, MAX_MODAL_LABEL, 'Your answer');
  return {
    custom_id: encodeCustomId({
      session_id: of.session_id,
      interaction_id: of.interaction_id,
      kind: 'text',
      question: index,
    }),
    title: cutLine(question.header ?? 'Your answer', MAX_MODAL_TITLE, 'Your answer'),
    components: [
      {
        type: COMPONENT.label,
        label,
        // The modal covers the message that has the whole question.
        description: cutLine(question.question, MAX_MODAL_DESCRIPTION, label),
        component: {
          type: COMPONENT.text,
          custom_id: FIELD,
          style: PARAGRAPH,
          min_length: 1,
          max_length: MAX_MODAL_TEXT,
          required: true,
          ...(typed === '' || typed.length > MAX_MODAL_TEXT ? {} : { value: typed }),
        },
      },
    ],
  };
}

/** The text that was typed; null: only blanks, or another modal. */
export function submittedText({ components }: DiscordModalSubmit['data']): string | null {
  const fields = components.flatMap(({ component, components: row = [] }) => (component ? [component, ...row] : row));
  const value = fields.find(({ custom_id }) => custom_id === FIELD)?.value;
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}
