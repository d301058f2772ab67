import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** An agent that swaps a folder, and a file, for links to a folder outside, as fast as it can. Ends with its parent. */

const [workspace = '', outside = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());
const folder = path.join(workspace, 'folder');
const file = path.join(workspace, 'plain');
const inner = path.join(workspace, 'x', 'y');
mkdirSync(folder);
for (const name of ['a', 'b', 'c']) writeFileSync(path.join(folder, name), 'harmless');
mkdirSync(inner, { recursive: true });
writeFileSync(path.join(inner, 'a'), 'harmless');
writeFileSync(file, 'harmless');
symlinkSync(outside, path.join(workspace, 'link'));
symlinkSync(path.join(outside, 'a'), path.join(workspace, 'file-link'));

function swap(real: string, link: string): void {
  renameSync(real, `${real}.away`);
  renameSync(link, real);
  renameSync(real, link);
  renameSync(`${real}.away`, real);
}

function turn(): void {
  for (let n = 0; n < 2000; n += 1) {
    swap(folder, path.join(workspace, 'link'));
    swap(file, path.join(workspace, 'file-link'));
    renameSync(inner, path.join(workspace, 'moved'));
    symlinkSync(outside, inner);
    rmSync(inner);
    renameSync(path.join(workspace, 'moved'), inner);
  }
  setImmediate(turn);
}
process.send?.('begun');
turn();
