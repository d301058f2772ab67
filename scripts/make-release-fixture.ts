import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import * as z from 'zod';
import { packFolder } from '../test/support/data-fixture/archive.ts';

/**
 * Makes the fixture of a release's programs, for the test that runs them with this version's:
 * `node scripts/make-release-fixture.ts CHECKOUT test/fixtures/release-VERSION`. CHECKOUT is a working tree of that release, with its
 * packages installed. The document of its API comes along. Each program is one minified file; of the runner, what it imports from packages stays outside.
 */

const [checkout, out] = process.argv.slice(2);
if (checkout === undefined || out === undefined) throw new Error('name the checkout, and the folder of the fixture');
const root = path.resolve(checkout);

const bundles = z.object({
  bundleWrapper: z.custom<() => Promise<string>>(),
  bundleWorker: z.custom<() => Promise<string>>(),
});
const { bundleWrapper, bundleWorker } = bundles.parse(
  await import(pathToFileURL(path.join(root, 'scripts/bundle.ts')).href),
);

const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-release-'));
try {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')));
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ version, type: 'module' }));
  await copyFile(await bundleWrapper(), path.join(folder, 'wrapper.mjs'));
  await copyFile(path.join(root, 'wrangler.toml'), path.join(folder, 'wrangler.toml'));
  const options = { bundle: true, format: 'esm', minify: true, legalComments: 'none' } as const;
  await build({
    ...options,
    entryPoints: [await bundleWorker()],
    outfile: path.join(folder, 'worker.mjs'),
    platform: 'neutral',
    external: ['cloudflare:*', 'node:*'],
  });
  // Beside each other, as their sources find each other and the list of presets.
  await mkdir(path.join(folder, 'runner'));
  for (const [source, name] of [
    ['runner/main.ts', 'main.ts'],
    ['runner/snapshot/snapshot-worker.ts', 'snapshot-worker.ts'],
  ] as const) {
    await build({
      ...options,
      absWorkingDir: root,
      entryPoints: [source],
      outfile: path.join(folder, 'runner', name),
      platform: 'node',
      target: 'node24',
      packages: 'external',
    });
  }
  await copyFile(path.join(root, 'runner/egress/presets/presets.json'), path.join(folder, 'runner/presets.json'));
  await mkdir(out, { recursive: true });
  await copyFile(path.join(root, 'docs/openapi.json'), path.join(out, 'openapi.json'));
  await packFolder(folder, path.join(out, 'programs.tar.zst'), { leaveOut: () => false });
} finally {
  await rm(folder, { recursive: true, force: true });
}
