import type { TestProject } from 'vitest/node';
import { ensureImage } from '../../../container/build/build-image.ts';
import { WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import bundles from '../run/bundles.ts';
import { ensureBaseImage } from './base-image.ts';
import { keepLayers, loadLayers } from './layer-cache.ts';
import { findEngine, type TestEngine } from './engine.ts';

/** What tests that need Docker are given: an engine that has the session image, or why there is none. */
export type DockerForTests = { ok: true; host: string | undefined; image: string } | { ok: false; why: string };

declare module 'vitest' {
  interface ProvidedContext {
    docker: DockerForTests;
  }
}

const say = (line: string) => console.log(`  ${line}`);

/** Vitest's global setup of the tests on Docker; `describeDocker` reads what it provides. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // What ships is bundled while the base of the image is made.
  const bundled = bundles(project);
  const engine = await findEngine();
  if (!engine.ok) {
    project.provide('docker', engine);
    await bundled;
    return async () => {};
  }
  try {
    project.provide('docker', await prepareImage(engine, bundled));
    return engine.stop;
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

async function prepareImage({ docker, host }: TestEngine, bundled: Promise<void>): Promise<DockerForTests> {
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
