import path from 'node:path';
import { build } from 'esbuild';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { readWranglerConfig } from '../../../../start/edge/workerd/wrangler-config.ts';

/**
 * The edge as it ships, for workerd, with another clock (`held-clock.ts`).
 *
 * @param folder gets it
 * @param offsetMs from this machine's time to the edge's
 * @returns the bundle's path
 */
export async function bundleAtTime(folder: string, offsetMs: number): Promise<string> {
  const classes = readWranglerConfig().durable_objects.bindings.map(({ class_name }) => class_name);
  const outfile = path.join(folder, 'worker-at-time.mjs');
  const contents = [
    // First: what it imports next already sees that clock.
    `import { withHeldAlarms } from ${JSON.stringify(path.join(import.meta.dirname, 'held-clock.ts'))};`,
    `import * as worker from ${JSON.stringify(WORKER_BUNDLE)};`,
    'export default worker.default;',
    ...classes.map((name) => `export const ${name} = withHeldAlarms(worker.${name});`),
  ].join('\n');
  await build({
    stdin: { contents, resolveDir: folder },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2024',
    external: ['cloudflare:*', 'node:*'],
    define: { CLOCK_OFFSET_MS: String(offsetMs) },
    logLevel: 'silent',
  });
  return outfile;
}
