import type { Interaction } from './interaction.ts';

/** When people are reminded next, epoch milliseconds; null: never. */
export function nextReminder(interaction: Interaction): number | null {
  const { state, created, deadline, reminders, reminded } = interaction;
  if (state !== 'open' || reminded >= reminders) return null;
  return created + Math.ceil(((deadline - created) * (reminded + 1)) / (reminders + 1));
}

/**
 * The interaction after the reminder that is due; null: none is due. One reminder replaces all that were missed, for
 * example while the edge was down.
 */
export function remind(interaction: Interaction, now: number): Interaction | null {
  const { state, created, deadline, reminders, reminded } = interaction;
  const due = Math.floor(((now - created) * (reminders + 1)) / (deadline - created));
  const attempt = Math.min(due, reminders);
  return state === 'open' && attempt > reminded ? { ...interaction, reminded: attempt } : null;
}
