import path from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { englishOnly } from '../bundle.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/**
 * Bundles what the package has in place of sources: the command, `cli.js`, and the client, `client.js`.
 *
 * The command has in it what it depends on: to find and read 200 files of packages took a third of its start. What imports the
 * client has the same packages in other places too, so those are installed beside it.
 *
 * @param out the folder
 * @throws when the sources do not bundle
 */
export async function bundlePackage(out: string): Promise<void> {
  const common: BuildOptions = {
    outdir: out,
    bundle: true,
    splitting: false,
    format: 'esm',
    mainFields: ['module', 'main'],
    target: 'es2024',
    external: ['node:*'],
    logLevel: 'warning',
  };
  await Promise.all([
    build({
      ...common,
      entryPoints: { cli: path.join(ROOT, 'cli', 'main.ts') },
      platform: 'node',
      plugins: [englishOnly],
    }),
    build({
      ...common,
      entryPoints: { client: path.join(ROOT, 'client', 'main.ts') },
      platform: 'neutral',
      packages: 'external',
    }),
  ]);
}
