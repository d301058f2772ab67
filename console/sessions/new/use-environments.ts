import { useEffect, useState } from 'preact/hooks';
import { CcDockerError, unwrap, type Environment } from '../../../client/main.ts';
import { cc } from '../../service/service.ts';

export type Environments =
  | { readonly kind: 'loading' }
  | { readonly kind: 'loaded'; readonly list: readonly Environment[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** The environments that a session can start from: one's own and the operator's. */
export function useEnvironments(): Environments {
  const [state, setState] = useState<Environments>({ kind: 'loading' });
  useEffect(() => {
    const end = new AbortController();
    void load(end.signal).then((loaded) => {
      if (!end.signal.aborted) setState(loaded);
    });
    return () => end.abort();
  }, []);
  return state;
}

async function load(signal: AbortSignal): Promise<Environments> {
  try {
    const { data } = await unwrap(cc.api.GET('/api/v1/environments', { signal }));
    return { kind: 'loaded', list: data };
  } catch (error) {
    if (signal.aborted) return { kind: 'loading' };
    if (!(error instanceof CcDockerError)) throw error;
    return { kind: 'failed', reason: error.detail };
  }
}
