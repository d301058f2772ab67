import type { APIApplicationCommandOptionChoice } from 'discord-api-types/v10';
import { MAX_OPTION_TEXT } from './text/limits.ts';
import { cutLine } from './text/text.ts';

/** The most that autocomplete offers. */
const MAX_CHOICES = 25;

/** A session as autocomplete offers it. */
export interface Choosable {
  readonly session_id: string;
  readonly status: string;
  /** How its work began, or what it is called. */
  readonly title: string;
}

/** Those that fit what is typed, in the order given: part of the title, or how the id begins. */
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
