import path from 'node:path';
import { build } from 'esbuild';

/** The fake wrapper as plain JavaScript, once `bundleFakeWrapper` has made it: to strip its types takes longer than Node's own start. */
export const FAKE_WRAPPER = path.join(import.meta.dirname, '../../../build/fake-wrapper.mjs');

export async function bundleFakeWrapper(): Promise<void> {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'fake-wrapper.ts')],
    outfile: FAKE_WRAPPER,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
}
