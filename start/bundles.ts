import { BUNDLES, isMade, type BundleName } from '../scripts/bundle/made.ts';
import { inOwnProcess } from './lib/in-own-process.ts';

/**
 * Makes bundles, apart: the bundler takes 80 MB. Those that are there, of the sources as they are, are not made again.
 *
 * @returns where they are
 * @throws when the sources do not bundle
 */
export async function makeBundles(...names: BundleName[]): Promise<typeof BUNDLES> {
  const missing = names.filter((name) => !isMade(name));
  if (missing.length > 0) await inOwnProcess('scripts/make-bundles.ts', ...missing);
  return BUNDLES;
}
