import { ensureImage } from '../../../container/build/build-image.ts';
import { WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import { ensureBaseImage } from './base-image.ts';
import type { TestEngine } from './engine.ts';
import { keepLayers, loadLayers } from './layer-cache.ts';

/** What tests that need Docker are given: an engine that has the session image, or why there is none. */
export type DockerForTests = { ok: true; host: string | undefined; image: string } | { ok: false; why: string };

const say = (line: string) => console.log(`  ${line}`);

/** Gives an engine the session image. @param bundled resolves when the wrapper's bundle is made */
export async function prepareImage({ docker, host }: TestEngine, bundled: Promise<void>): Promise<DockerForTests> {
  await loadLayers(docker);
  const base = await ensureBaseImage(docker, say);
  await bundled;
  if (!base.ok) return base;
  const image = await ensureImage({ docker, wrapper: WRAPPER_BUNDLE, onProgress: say });
  if (!image.ok) return { ok: false, why: `the session image is missing (${image.error}): ${image.detail}` };
  // Only where an earlier run's cache was found: a machine that is new each time would write 630 MB that nobody reads.
  if (base.from === 'cached') await keepLayers(docker, image.tag);
  return { ok: true, host, image: image.tag };
}
