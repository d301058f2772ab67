import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { installPackages } from '../container/build/install-packages.ts';
import { bundlePackage } from './package/bundle-package.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const TOOLS = path.join(import.meta.dirname, 'lint');

/**
 * Builds what the package has in place of sources, `dist/`: Node runs no TypeScript in `node_modules`. npm calls it before it packs.
 *
 * @param out the folder
 */
async function buildPackage(out: string): Promise<void> {
  await bundlePackage(out);
  const tools = await installPackages({
    folder: TOOLS,
    what: 'the compiler',
    optional: true,
    onProgress: console.error,
  });
  if (!tools.ok) throw new Error(tools.detail);
  const compiler = path.join(TOOLS, 'node_modules', '.bin', 'tsc');
  const types = ['--noEmit', 'false', '--incremental', 'false', '--declaration', '--emitDeclarationOnly', '--outDir'];
  const project = path.join(ROOT, 'tsconfig.client.json');
  const tsc = spawn(compiler, ['-p', project, ...types, path.join(out, 'types')], { stdio: ['ignore', 2, 2] });
  const [code] = await once(tsc, 'exit');
  if (code !== 0) throw new Error(`the types of the client could not be made: tsc ended with ${code}`);
}

await buildPackage(path.resolve(process.argv[2] ?? path.join(ROOT, 'dist')));
