import type { CreateCall } from '../rpc/session/creation.ts';
import type { SessionIdentity } from './core/identity.ts';

/** What is fixed of a session when it is created. @param created epoch milliseconds */
export function identityOf(
  { session_id, owner, request, beginning, creation }: CreateCall,
  created: number,
): SessionIdentity {
  const { spawn, author, origin, callback, environment } = creation;
  return {
    session_id,
    owner,
    created,
    request,
    forked_from: beginning.fork_of,
    spawn,
    ...(author && { author }),
    ...(origin !== undefined && { origin }),
    ...(callback && { callback }),
    ...(environment && { environment: environment.of }),
  };
}

/** How a session began, for metrics. */
export function kindOf({ spawn, forked_from }: SessionIdentity): 'child' | 'direct' | 'fork' {
  if (spawn !== null) return 'child';
  return forked_from === null ? 'direct' : 'fork';
}
