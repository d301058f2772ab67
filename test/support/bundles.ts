import type { TestProject } from 'vitest/node';
import { bundleWorker, bundleWrapper } from '../../scripts/bundle.ts';

declare global {
  /** The bundling of this run, which its projects share. */
  var bundlesOfTests: Promise<unknown> | undefined;
}

const bundle = (): Promise<unknown> => Promise.all([bundleWrapper(), bundleWorker()]);

/**
 * Vitest's global setup of the projects that run what ships: `WRAPPER_BUNDLE` and `WORKER_BUNDLE` are bundled once a run,
 * exactly as `npm start` and the image have them.
 */
export default async function setup(project: TestProject): Promise<void> {
  project.onTestsRerun(async () => {
    await bundle();
  });
  await (globalThis.bundlesOfTests ??= bundle());
}
