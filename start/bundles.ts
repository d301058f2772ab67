import * as z from 'zod';
import { inOwnProcess } from './lib/in-own-process.ts';

/** What a service runs that is made of its sources: the edge's Worker, and what runs in containers. */
export type BundleName = 'worker' | 'wrapper';

/** Makes bundles, apart: the bundler takes 80 MB. @returns their paths @throws when the sources do not bundle */
export async function makeBundles<Name extends BundleName>(...names: Name[]): Promise<Record<Name, string>> {
  return z.record(z.enum(names), z.string()).parse(await inOwnProcess('scripts/make-bundles.ts', ...names));
}
