import type { TestProject } from 'vitest/node';
import bundles from '../run/bundles.ts';
import { findEngine } from './engine.ts';
import { prepareImage, type DockerForTests } from './prepare-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    docker: DockerForTests;
  }
}

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
