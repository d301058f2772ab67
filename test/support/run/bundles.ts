import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { installMcpServers } from '../../../container/build/mcp-packages.ts';
import { bundlePorter, bundleWorker, bundleWrapper } from '../../../scripts/bundle.ts';
import { bundlePackage } from '../../../scripts/package/bundle-package.ts';
import { installDeno } from '../../../start/deno/deno-binary.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { bundleFakeWrapper } from '../runner/fake-wrapper-bundle.ts';

declare global {
  /** The preparation of this run, which its projects share. */
  var bundlesOfTests: Promise<unknown> | undefined;
}

/** What the package has in place of sources. */
export const PACKAGE = path.join(PROJECT, 'build/package');

const bundle = (): Promise<unknown> =>
  Promise.all([bundleWrapper(), bundlePorter(), bundleWorker(), bundleFakeWrapper(), bundlePackage(PACKAGE)]);

/** The catalogue's MCP servers and Deno are installed here once, so that no test's time limit covers their download. */
export async function prepareBundles(): Promise<void> {
  const [servers, deno] = await Promise.all([
    installMcpServers({ onProgress: console.log }),
    installDeno({ onProgress: console.log }),
    bundle(),
  ]);
  if (!servers.ok) console.error(`Tests of the catalogue's MCP servers will fail: ${servers.detail}`);
  if (!deno.ok) console.error(`Tests on Deno will fail: ${deno.detail}`);
}

/**
 * Vitest's global setup of the projects that run what ships: `WRAPPER_BUNDLE` and `WORKER_BUNDLE` are bundled once a run,
 * exactly as `npm start` and the image have them.
 */
export default async function setup(project: TestProject): Promise<void> {
  project.onTestsRerun(async () => {
    await bundle();
  });
  await (globalThis.bundlesOfTests ??= prepareBundles());
}
