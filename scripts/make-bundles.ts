import { stop as stopEsbuild } from 'esbuild';
import { bundleWorker, bundleWrapper } from './bundle.ts';
import type { BundleName } from './bundle/made.ts';

/** Makes the bundles that its arguments name, and prints their paths as JSON (`start/bundles.ts`). */
const MAKERS: Record<BundleName, () => Promise<string>> = { worker: bundleWorker, wrapper: bundleWrapper };

const names = process.argv.slice(2);
const wanted = Object.entries(MAKERS).filter(([name]) => names.includes(name));
const made = await Promise.all(wanted.map(async ([name, make]) => [name, await make()] as const));
await stopEsbuild();
console.log(JSON.stringify(Object.fromEntries(made)));
