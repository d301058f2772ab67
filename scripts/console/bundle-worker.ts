import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { PROJECT } from '../../start/lib/project.ts';

const INSTALLABLE = [
  'manifest.webmanifest',
  'icon.svg',
  'icon-192.png',
  'icon-512.png',
  'maskable-512.png',
  'apple-touch-icon.png',
  'badge-96.png',
];

/**
 * The console's service worker (`sw.js`), which knows the console's files by their names, and what makes the console an app of its own.
 *
 * @param shell the console's files by their names, `index.html` among them
 * @returns further files by their names
 * @throws when the sources do not bundle
 */
export async function bundleWorkerOfConsole(
  shell: ReadonlyMap<string, Uint8Array>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const names = [...shell.keys()].filter((name) => name !== 'index.html').sort();
  const version = createHash('sha256');
  for (const name of names) version.update(`${name}\n`);
  version.update(shell.get('index.html') ?? '');
  const { outputFiles } = await build({
    absWorkingDir: PROJECT,
    entryPoints: ['console/worker/main.ts'],
    outfile: 'sw.js',
    bundle: true,
    format: 'iife',
    target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
    define: {
      SHELL_FILES: JSON.stringify(names.map((name) => `/console/${name}`)),
      SHELL_VERSION: JSON.stringify(version.digest('hex').slice(0, 16)),
    },
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
  });
  const [worker] = outputFiles;
  if (worker === undefined) throw new Error('the console has no worker');
  const others = INSTALLABLE.map(
    async (name) => [name, await readFile(path.join(PROJECT, 'console/installable', name))] as const,
  );
  return new Map([['sw.js', worker.contents], ...(await Promise.all(others))]);
}
