import type { CcDocker, Interaction } from '../../client/main.ts';
import { Failure } from '../lib/failure.ts';
import { shortId } from './short-id.ts';

/** Sessions that are asked at the same time. */
const AT_ONCE = 8;

/** A question or permission, with the title of its session. */
export interface Waiting {
  readonly interaction: Interaction;
  readonly title: string | null;
}

/** What waits for the person, in all sessions: the oldest first. */
export async function openInteractions(cc: CcDocker): Promise<Waiting[]> {
  const asking: { readonly id: string; readonly title: string | null }[] = [];
  for await (const { session_id: id, title, open_interactions } of cc.sessions.list()) {
    if (open_interactions > 0) asking.push({ id, title });
  }
  const waiting: Waiting[] = [];
  for (let first = 0; first < asking.length; first += AT_ONCE) {
    const some = asking.slice(first, first + AT_ONCE);
    const questions = await Promise.all(some.map(({ id }) => cc.session(id).questions()));
    some.forEach(({ title }, index) => {
      for (const interaction of questions[index] ?? []) waiting.push({ interaction, title });
    });
  }
  return waiting.toSorted((a, b) => a.interaction.created_at.localeCompare(b.interaction.created_at));
}

/** The interaction that a person means by its id, or the end of it. @throws Failure when there is none, or several */
export function chooseInteraction(waiting: readonly Waiting[], name: string): Interaction {
  const part = name.toLowerCase();
  const found = waiting.filter(({ interaction: { interaction_id: id } }) => id.endsWith(part) || id.startsWith(part));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.interaction;
  if (only === undefined) {
    throw new Failure(`Nothing that waits is called ${name}`, '`cc-docker inbox` shows what waits for you.', {
      code: 'interaction_not_found',
    });
  }
  const ids = found.map(({ interaction }) => shortId(interaction.interaction_id)).join(', ');
  throw new Failure(`${name} is ${found.length} that wait`, `Say which: ${ids}.`, { code: 'interaction_not_found' });
}
