import { cleanEmail, cleanName, type GitAuthor, type NamedAuthor } from '../../../protocol/git/git-author.ts';

const NAMELESS = 'agent';

/**
 * The author of commits: whom the token names, else whom the operator names, else the owner by their `sub`. The two halves are
 * of one source. What that does not say is made from the `sub`.
 */
export function chooseAuthor(named: readonly (NamedAuthor | undefined)[], sub: string): GitAuthor {
  const said = named.find((one) => one !== undefined && (one.name !== '' || one.email !== ''));
  return {
    name: said?.name || cleanName(sub) || NAMELESS,
    email: said?.email || `${cleanEmail(sub) || NAMELESS}@cc-docker`,
  };
}
