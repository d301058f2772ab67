import type { APIApplicationCommandOptionChoice } from 'discord-api-types/v10';
import { MAX_OPTION_TEXT } from './text/limits.ts';
import { cutLine } from './text/text.ts';

/** Discord shows at most so many choices. */
const MAX_CHOICES = 25;

/** A session that autocomplete can offer. */
export interface Choosable {
  readonly session_id: string;
  readonly status: string;
  /** How its work began, or its name. */
  readonly title: string;
}

/** The sessions that fit what is typed, in the order given: by a part of the title, or by the beginning of the id. */
export function sessionChoices(
  sessions: readonly Choosable[],
  typed: string,
): APIApplicationCommandOptionChoice<string>[] {
  const wanted = typed.trim().toLowerCase();
  return sessions
    .filter(({ session_id, title }) => title.toLowerCase().includes(wanted) || session_id.startsWith(wanted))
    .slice(0, MAX_CHOICES)
    .map(({ session_id, status, title }) => ({
      name: cutLine(`${status} · ${title}`, MAX_OPTION_TEXT, session_id),
      value: session_id,
    }));
}
