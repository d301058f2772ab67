import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { PROJECT } from '../../start/lib/project.ts';
import { bundleWorkerOfConsole } from './bundle-worker.ts';
import { xtermStyleSheets } from './xterm-style-sheets.ts';

const COMMON = {
  absWorkingDir: PROJECT,
  bundle: true,
  format: 'esm',
  target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
} as const satisfies BuildOptions;

/**
 * Bundles the console: `index.html`, and files whose names change with what is in them. What only some pages need is in files of its
 * own, which are loaded when they are.
 *
 * @returns the files by their names
 * @throws when the sources do not bundle
 */
export async function bundleConsole(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles, metafile } = await build({
    ...COMMON,
    entryPoints: ['console/main.tsx'],
    outdir: 'console',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    splitting: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    metafile: true,
    plugins: [xtermStyleSheets],
  });
  const files = new Map(outputFiles.map((file) => [path.basename(file.path), file.contents]));
  const [main] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'console/main.tsx') ?? [];
  const style = [...files.keys()].find((name) => /^main-.*\.css$/.test(name));
  if (main === undefined || style === undefined) throw new Error('the console has no main file, or no style');
  const page = await readFile(path.join(PROJECT, 'console/index.html'), 'utf8');
  const begin = await bundleBegin(path.basename(main));
  const filled = page
    .replace('/* {{begin.js}} */', () => begin)
    .replace('{{main.css}}', style)
    .replace('</head>', `${[path.basename(main), ...importedBy(main, metafile)].map(preload).join('')}</head>`);
  files.set('index.html', new TextEncoder().encode(filled));
  return new Map([...files, ...(await bundleWorkerOfConsole(files))]);
}

/** The script that is in the page itself. @param main the name of the file that it loads */
async function bundleBegin(main: string): Promise<string> {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: ['console/loading/begin.ts'],
    define: { MAIN: JSON.stringify(`/console/${main}`) },
    external: ['/console/*'],
  });
  const text = outputFiles[0]?.text.trim();
  if (text === undefined || text.includes('</')) throw new Error('the console has no script for its page');
  return text;
}

/** A file that the first one imports: the browser need not have read that to know of it. */
const preload = (name: string) => `  <link rel="modulepreload" href="/console/${name}" />\n  `;

/** The names of the files that are loaded with one, those that they import too. */
function importedBy(output: string, { outputs }: Metafile): string[] {
  const found = new Set<string>();
  const add = (file: string) => {
    for (const { path: imported, kind } of outputs[file]?.imports ?? []) {
      if (kind !== 'import-statement' || found.has(imported)) continue;
      found.add(imported);
      add(imported);
    }
  };
  add(output);
  return [...found].map((file) => path.basename(file));
}
