import type { InteractionView } from '../../../protocol/api/session/interaction.ts';
import type { Interaction } from './interaction.ts';

/** A question or permission of the session, as people see it. */
export function interactionViewOf(interaction: Interaction, session_id: string): InteractionView {
  const {
    interaction_id,
    state,
    subject,
    priority,
    default: fallback,
    detached,
    resolved_by,
    resolution,
  } = interaction;
  const { answerers, resolved_at } = interaction;
  return {
    interaction_id,
    session_id,
    state,
    subject,
    priority,
    created_at: iso(interaction.created),
    deadline: iso(interaction.deadline),
    answerers: answerers === null ? null : [...answerers],
    default: fallback,
    detached,
    resolved_at: resolved_at === null ? null : iso(resolved_at),
    resolved_by,
    resolution,
  };
}

const iso = (time: number) => new Date(time).toISOString();
