import { closedMessage, type AnsweredBy, type Asked } from '../core/interaction-message.ts';
import type { MessageBody } from '../core/wire/message.ts';
import type { Ask } from '../tables/ask-table.ts';
import type { DeskTable } from '../tables/desk-table.ts';

/** Prefix of `resolved_by` for a Discord account that is linked to no owner. */
const ON_DISCORD = 'discord:';

/** The name under which an account answers: its owner's, or else the account itself. */
export const answererName = (owner: string | null, user: string) => owner ?? `${ON_DISCORD}${user}`;

/** Whom an urgent question pings: who began the session on Discord, or else all accounts of its owner. */
export function mentionsOf(desk: DeskTable, { session_id, owner }: Pick<Ask, 'session_id' | 'owner'>): string[] {
  const users = desk.usersOf(owner);
  const began = desk.thread(session_id)?.user ?? null;
  // An account that was unlinked from the owner since is not pinged.
  return began !== null && users.includes(began) ? [began] : users;
}

/** In the channel, a question says what it is about. In a session's own thread it need not. */
export function aboutOf(desk: DeskTable, { session_id, interaction_id, owner }: Ask): Pick<Asked, 'about'> {
  if (session_id === interaction_id) return { about: `from ${owner}` };
  return (desk.thread(session_id)?.thread_id ?? null) === null ? { about: `session ${session_id.slice(-8)}` } : {};
}

/** The message of a closed question. */
export function closedBody(desk: DeskTable, ask: Ask): MessageBody {
  return closedMessage(ask.view, aboutOf(desk, ask), answererOf(desk, ask));
}

/** On Discord a person is named by their account, where it is known. */
function answererOf(desk: DeskTable, { view: { resolved_by: name }, answered_by: user }: Ask): AnsweredBy | null {
  if (name === null) return null;
  if (user !== null && answererName(desk.ownerOf(user), user) === name) return { discord_user_id: user };
  const [only, ...others] = desk.usersOf(name);
  return only === undefined || others.length > 0 ? { name } : { discord_user_id: only };
}
