import { describeUpstream, modelUpstreamEnvironment } from '../../runner/model/upstream.ts';
import type { Refused } from '../lib/refused.ts';
import type { Environment } from '../settings/settings.ts';

/** The model that the runner will use: it reads the same environment. Holds no secret. */
export function modelFor(env: Environment): { demo: boolean; description: string } | Refused {
  const upstream = modelUpstreamEnvironment.safeParse(env);
  if (upstream.success) return { demo: upstream.data.kind === 'demo', description: describeUpstream(upstream.data) };
  return { refused: upstream.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ') };
}
