import { useEffect, useState } from 'preact/hooks';
import { CcDockerError, unwrap, type Interaction } from '../../../client/main.ts';
import { cc } from '../../service/service.ts';

export type Whole =
  | { readonly kind: 'whole'; readonly subject: Interaction['subject'] }
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly reason: string; readonly again: () => void };

/** All of what is asked: what the list of all sessions has shortened is fetched. */
export function useWhole(asked: Interaction, isShortened: boolean): Whole {
  const { session_id, interaction_id, subject } = asked;
  const [fetched, setFetched] = useState<Whole>({ kind: 'loading' });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!isShortened) return undefined;
    const end = new AbortController();
    setFetched({ kind: 'loading' });
    const again = () => setTries(tries + 1);
    void fetchWhole({ session_id, interaction_id }, end.signal, again).then((whole) => {
      if (!end.signal.aborted) setFetched(whole);
    });
    return () => end.abort();
  }, [session_id, interaction_id, isShortened, tries]);
  return isShortened ? fetched : { kind: 'whole', subject };
}

async function fetchWhole(
  path: { readonly session_id: string; readonly interaction_id: string },
  signal: AbortSignal,
  again: () => void,
): Promise<Whole> {
  try {
    const call = { params: { path }, signal };
    const { subject } = await unwrap(cc.api.GET('/api/v1/sessions/{session_id}/interactions/{interaction_id}', call));
    return { kind: 'whole', subject };
  } catch (error) {
    // The card has gone, and with it who wanted to know.
    if (signal.aborted) return { kind: 'loading' };
    if (!(error instanceof CcDockerError)) throw error;
    return { kind: 'failed', reason: error.detail, again };
  }
}
