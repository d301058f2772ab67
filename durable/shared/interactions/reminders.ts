import type { Interaction } from './interaction.ts';

/** When people are to be reminded of it next, epoch milliseconds; null: never. */
export function nextReminder(interaction: Interaction): number | null {
  const { state, created, deadline, reminders, reminded } = interaction;
  if (state !== 'open' || reminded >= reminders) return null;
  return created + Math.ceil(((deadline - created) * (reminded + 1)) / (reminders + 1));
}

/** After the reminder that is due; null: none is. It stands for all that were missed before it, as while the edge was down. */
export function remind(interaction: Interaction, now: number): Interaction | null {
  const { state, created, deadline, reminders, reminded } = interaction;
  const due = Math.floor(((now - created) * (reminders + 1)) / (deadline - created));
  const attempt = Math.min(due, reminders);
  return state === 'open' && attempt > reminded ? { ...interaction, reminded: attempt } : null;
}
