import { installDeno } from './deno-binary.ts';

/** Runs before `npm run deno`, whose output is Deno's own. */
const installed = await installDeno({ onProgress: console.error });
if (!installed.ok) {
  console.error(installed.detail);
  process.exitCode = 1;
}
