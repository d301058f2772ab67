import { stop as stopEsbuild } from 'esbuild';
import { placeAssets } from '../../scripts/bundle.ts';
import { installDeno } from './deno-binary.ts';

/** Runs before `npm run deno`, whose output is Deno's own: brings Deno, and makes what it serves. */
await placeAssets();
await stopEsbuild();
const installed = await installDeno({ onProgress: console.error });
if (!installed.ok) {
  console.error(installed.detail);
  process.exitCode = 1;
}
