import path from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { englishOnly } from '../bundle.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const WIDTHS = 'string-width';

/** Loads what knows the widths of characters when the first one is measured: its regular expressions take a tenth of a start's time. */
const widthsOnDemand: Plugin = {
  name: 'widths-on-demand',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^string-width$/ }, ({ namespace }) =>
      namespace === WIDTHS ? undefined : { path: WIDTHS, namespace: WIDTHS },
    );
    bundler.onLoad({ filter: /.*/, namespace: WIDTHS }, () => ({
      contents: `let width; export default (...text) => (width ??= require('${WIDTHS}').default)(...text);`,
      resolveDir: ROOT,
    }));
  },
};

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
      plugins: [englishOnly, widthsOnDemand],
    }),
    build({
      ...common,
      entryPoints: { client: path.join(ROOT, 'client', 'main.ts') },
      platform: 'neutral',
      packages: 'external',
    }),
  ]);
}
