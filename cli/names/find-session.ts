import type { CcDocker, SessionSummary } from '../../client/main.ts';
import { Failure } from '../lib/failure.ts';
import { shortId } from './short-id.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Fewer characters name too many. */
const FEWEST = 4;
const PART = new RegExp(`^[0-9a-f-]{${FEWEST},36}$`, 'i');

/** What names the session that was last active. */
export const LAST = 'last';

/**
 * The id of the session that a person means: its id, the end or the beginning of that, its title, or `last`.
 *
 * @throws Failure when there is none, or several
 */
export async function findSession(cc: CcDocker, name: string): Promise<string> {
  if (UUID.test(name)) return name.toLowerCase();
  const all: SessionSummary[] = [];
  for await (const session of cc.sessions.list()) all.push(session);
  return chooseSession(all, name);
}

/** As `findSession`, of these. */
export function chooseSession(
  all: readonly Pick<SessionSummary, 'session_id' | 'title' | 'last_activity'>[],
  name: string,
): string {
  if (name === LAST) {
    const [last] = all.toSorted((a, b) => b.last_activity.localeCompare(a.last_activity));
    if (last === undefined) throw new Failure('You have no sessions', '`cc-docker run "PROMPT"` begins one.');
    return last.session_id;
  }
  const part = name.toLowerCase();
  const found = all.filter(
    ({ session_id: id, title }) =>
      (PART.test(name) && (id.endsWith(part) || id.startsWith(part))) || title?.toLowerCase() === part,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.session_id;
  const code = 'session_not_found';
  if (only === undefined) throw new Failure(`No session is called ${name}`, '`cc-docker ls` lists yours.', { code });
  const ids = found.map(({ session_id }) => shortId(session_id)).join(', ');
  throw new Failure(`${name} is ${found.length} sessions`, `Say which: ${ids}.`, { code });
}
