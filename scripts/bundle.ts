import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ASSETS } from '../functions/web/asset-sources.ts';
import { ASSETS_FOLDER } from '../start/lib/project.ts';
import { bundleConsole } from './console/bundle-console.ts';
import { withCompressed } from './console/compress.ts';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { BUNDLE_URL, lazyModules } from './bundle/lazy-modules.ts';
import { BUNDLES, noteMade, sourcesOf } from './bundle/made.ts';
import { CACHE_COMMAND, cacheOf, withCodeCache } from './bundle/with-code-cache.ts';
import { WRAPPER_FLAGS } from '../protocol/link/wrapper/wrapper-flags.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The one file that runs in a container, once `bundleWrapper` has made it. */
export const WRAPPER_BUNDLE = BUNDLES.wrapper;
/** What stands beside a container that is not on the runner's machine, once `bundlePorter` has made it. */
export const PORTER_BUNDLE = path.join(root, 'build/porter.mjs');
/** The edge for workerd, once `bundleWorker` has made it. */
export const WORKER_BUNDLE = BUNDLES.worker;

const BUNDLE = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  format: 'esm',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions;

/** Leaves out zod’s messages in other languages: they are half of the bundle, and every start would read them. */
export const englishOnly: Plugin = {
  name: 'english-only',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, ({ importer }) =>
      /[/\\]zod[/\\]v4[/\\]/.test(importer) ? { path: 'locales', namespace: 'english-only' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'english-only' }, () => ({ contents: 'export {}' }));
  },
};

/** Modules of data that it takes long to make: the bundle has what they export. */
const FINISHED = /[/\\]wrapper[/\\](tools[/\\]tool-list|shapes[/\\][\w-]+-shape)\.ts$/;

/** Puts finished data in place of the code that makes it. */
const finishedData: Plugin = {
  name: 'finished-data',
  setup: (bundler) => {
    bundler.onLoad({ filter: FINISHED }, async ({ path: file }) => {
      const made: unknown = await import(file);
      const lines = Object.entries(Object(made)).map(
        ([name, value]) => `export const ${name} = ${JSON.stringify(value)};`,
      );
      return { contents: lines.join('\n') };
    });
  },
};

/**
 * Bundles the wrapper into the one file that runs in a container: `build/wrapper.mjs`. The same sources give the same
 * bytes, by which the image is named.
 *
 * @returns the bundle's path
 * @throws when the sources do not bundle
 */
export async function bundleWrapper(): Promise<string> {
  const sources = sourcesOf('wrapper');
  const { outputFiles } = await build({
    ...BUNDLE,
    entryPoints: ['wrapper/main.ts'],
    outfile: WRAPPER_BUNDLE,
    platform: 'node',
    target: 'node24',
    // Each container's start reads it.
    minify: true,
    format: 'iife',
    charset: 'ascii',
    plugins: [englishOnly, finishedData, lazyModules(['wrapper', 'protocol'].map((folder) => path.join(root, folder)))],
  });
  const text = outputFiles.map((file) => file.text).join('');
  await mkdir(path.dirname(WRAPPER_BUNDLE), { recursive: true });
  const program = `(${BUNDLE_URL}) => {${text}}`;
  await place(WRAPPER_BUNDLE, Buffer.from(withCodeCache(program)));
  const cache = cacheOf(WRAPPER_BUNDLE, program);
  await cacheWrapper(cache);
  noteMade('wrapper', sources, [WRAPPER_BUNDLE, cache]);
  return WRAPPER_BUNDLE;
}

/** Has the wrapper's cache for this Node beside the bundle, and none of bundles before it. An image makes its own. */
async function cacheWrapper(cache: string): Promise<void> {
  const folder = path.dirname(cache);
  const caches = (await readdir(folder)).filter((name) => name.startsWith('wrapper.mjs.') && name.endsWith('.cache'));
  const [own, old] = [caches.includes(path.basename(cache)), caches.filter((name) => name !== path.basename(cache))];
  await Promise.all(old.map((name) => rm(path.join(folder, name), { force: true })));
  if (own) return;
  const { PATH = '' } = process.env;
  await promisify(execFile)(process.execPath, [...WRAPPER_FLAGS, WRAPPER_BUNDLE, CACHE_COMMAND], { env: { PATH } });
}

/**
 * Bundles the porter: `build/porter.mjs`, which is in the image beside the wrapper.
 *
 * @returns the bundle's path
 * @throws when the sources do not bundle
 */
export async function bundlePorter(): Promise<string> {
  return await bundle('porter/main.ts', PORTER_BUNDLE, {
    platform: 'node',
    target: 'node24',
    minify: true,
    // Packages in CommonJS call `require` of Node's own modules.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    plugins: [englishOnly],
  });
}

/**
 * Bundles the edge for workerd, with its source map, and has what it serves beside it in `ASSETS_FOLDER`.
 *
 * @param entry another one than the Worker's, such as one that measures it
 * @returns the bundle's path
 * @throws when the sources do not bundle
 */
export async function bundleWorker(entry: string = 'worker.ts', outfile: string = WORKER_BUNDLE): Promise<string> {
  const sources = sourcesOf('worker');
  await placeAssets();
  await bundle(entry, outfile, {
    platform: 'neutral',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    external: ['cloudflare:*', 'node:*'],
    sourcemap: true,
    plugins: [englishOnly],
  });
  if (outfile === WORKER_BUNDLE) noteMade('worker', sources, [outfile, `${outfile}.map`, ASSETS_FOLDER]);
  return outfile;
}

/** Has all that the edge serves as it is in `ASSETS_FOLDER`. @throws when the console's sources do not bundle */
export async function placeAssets(): Promise<void> {
  await Promise.all([copyAssets(), placeConsole()]);
}

/** Copies what the edge serves as it is to `ASSETS_FOLDER`. */
export async function copyAssets(): Promise<void> {
  await mkdir(ASSETS_FOLDER, { recursive: true });
  for (const [name, source] of Object.entries(ASSETS))
    await place(path.join(ASSETS_FOLDER, name), await readFile(path.join(root, source)));
}

/** Bundles the console into `ASSETS_FOLDER`, in place of the one before. */
async function placeConsole(): Promise<void> {
  const files = new Map(
    (await Promise.all([...(await bundleConsole())].map((file) => withCompressed(...file)))).flat(),
  );
  const folder = path.join(ASSETS_FOLDER, 'console');
  await mkdir(folder, { recursive: true });
  for (const [name, contents] of files) await place(path.join(folder, name), contents);
  for (const name of await readdir(folder)) if (!files.has(name)) await rm(path.join(folder, name), { force: true });
}

/**
 * The file takes its place whole: another process may read it, or list its folder, at this moment. One that is there already stays, so
 * that it has the time at which it was made.
 */
async function place(file: string, contents: Uint8Array): Promise<void> {
  // Not there, or taken away at this moment: whatever else is wrong, the write says.
  const before = await readFile(file).catch(() => undefined);
  if (before?.equals(contents) === true) return;
  const part = path.join(root, 'build', `${path.basename(file)}.${randomUUID()}`);
  await writeFile(part, contents);
  await rename(part, file);
}

async function bundle(entry: string, outfile: string, options: BuildOptions): Promise<string> {
  const { outputFiles = [] } = await build({ ...BUNDLE, entryPoints: [entry], outfile, ...options });
  await mkdir(path.dirname(outfile), { recursive: true });
  for (const file of outputFiles) await place(file.path, file.contents);
  return outfile;
}
