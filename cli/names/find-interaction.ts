import type { WaitingInteraction } from '../../client/main.ts';
import { Failure } from '../lib/failure.ts';
import { shortId } from './short-id.ts';

/** The interaction that a person means by its id, or the end of it. @throws Failure when there is none, or several */
export function chooseInteraction(waiting: readonly WaitingInteraction[], name: string): WaitingInteraction {
  const part = name.toLowerCase();
  const found = waiting.filter(({ interaction_id: id }) => id.endsWith(part) || id.startsWith(part));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (only === undefined) {
    throw new Failure(`Nothing that waits is called ${name}`, '`cc-docker inbox` shows what waits for you.', {
      code: 'interaction_not_found',
    });
  }
  const ids = found.map(({ interaction_id: id }) => shortId(id)).join(', ');
  throw new Failure(`${name} is ${found.length} that wait`, `Say which: ${ids}.`, { code: 'interaction_not_found' });
}
