import { ensureImage } from '../../container/build/build-image.ts';
import { bundleWrapper } from '../../scripts/bundle.ts';
import { engineClient, findEngine } from '../../start/runner/engine.ts';
import type { Refused } from '../../start/lib/refused.ts';
import { ensureBaseImage } from '../../test/support/docker/base-image.ts';

/** The image for sessions on this machine's engine, built when it is missing; or why there is none. */
export async function sessionImage(log: (line: string) => void, signal: AbortSignal): Promise<string | Refused> {
  const engine = await findEngine();
  if (!engine.answers) return { refused: `no Docker engine answers: ${engine.detail}` };
  const docker = await engineClient();
  const request = { docker, wrapper: await bundleWrapper(), onProgress: log, signal };
  const image = await ensureImage(request);
  if (image.ok) return image.tag;
  if (image.error !== 'base_unavailable') return { refused: image.detail };
  // No registry can be reached: use the tests' replacement for the base image.
  const base = await ensureBaseImage(docker, log);
  if (!base.ok) return { refused: base.why };
  const again = await ensureImage(request);
  return again.ok ? again.tag : { refused: again.detail };
}
