import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '..');

/**
 * Bundles what the package has in place of sources: the command, `cli.js`, and the client, `client.js`. What the package depends on
 * is installed beside it.
 *
 * @param out the folder
 * @throws when the sources do not bundle
 */
export async function bundlePackage(out: string): Promise<void> {
  await build({
    entryPoints: { cli: path.join(ROOT, 'cli', 'main.ts'), client: path.join(ROOT, 'client', 'main.ts') },
    outdir: out,
    bundle: true,
    splitting: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2024',
    packages: 'external',
    external: ['node:*'],
    logLevel: 'warning',
  });
}
