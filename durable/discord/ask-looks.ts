import type { AnsweredBy, Asked, MessageBody } from './core/interaction-message.ts';
import { closedMessage } from './core/interaction-message.ts';
import type { Ask } from './ask-table.ts';
import type { DeskTable } from './desk-table.ts';

/** Of an account that is nobody's here: who answered, as a question's `resolved_by` has it. */
const ON_DISCORD = 'discord:';

/** Who answers, for what is stored: whom the account belongs to, or the account itself. */
export const answererName = (owner: string | null, user: string) => owner ?? `${ON_DISCORD}${user}`;

/** Whom an urgent one calls: who began the session on Discord, or else all accounts of whose it is. */
export function mentionsOf(desk: DeskTable, { session_id, owner }: Pick<Ask, 'session_id' | 'owner'>): string[] {
  const users = desk.usersOf(owner);
  const began = desk.thread(session_id)?.user ?? null;
  // Somebody whose account is not its owner's any more is not to be called for it.
  return began !== null && users.includes(began) ? [began] : users;
}

/** In the channel for all: what a question is about. In a session's own thread there is no need of it. */
export function aboutOf(desk: DeskTable, { session_id, interaction_id, owner }: Ask): Pick<Asked, 'about'> {
  if (session_id === interaction_id) return { about: `from ${owner}` };
  return (desk.thread(session_id)?.thread_id ?? null) === null ? { about: `session ${session_id.slice(-8)}` } : {};
}

/** The message of one that is closed. */
export function closedLook(desk: DeskTable, ask: Ask): MessageBody {
  return closedMessage(ask.view, aboutOf(desk, ask), answererOf(desk, ask));
}

/** On Discord a person is called by their account, where we know which. */
function answererOf(desk: DeskTable, { view: { resolved_by: name }, answered_by: user }: Ask): AnsweredBy | null {
  if (name === null) return null;
  if (user !== null && answererName(desk.ownerOf(user), user) === name) return { discord_user_id: user };
  const [only, ...others] = desk.usersOf(name);
  return only === undefined || others.length > 0 ? { name } : { discord_user_id: only };
}
