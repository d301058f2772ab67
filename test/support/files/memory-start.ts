import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { StartTree } from '../../../runner/files/diff/start-tree.ts';
import type { TreeEntry } from '../../../runner/files/paths/tree-entry.ts';

export const START_ID = '0190163d-8694-739b-aea5-966c26f8ad91';

/** A folder as it is now, as the start of a workspace that will be changed. */
export function startOf(folder: string): StartTree {
  const entries: TreeEntry[] = [];
  const contents = new Map<string, Buffer>();
  const add = (prefix: Buffer): void => {
    const at = Buffer.concat([Buffer.from(`${folder}/`), prefix]);
    for (const name of readdirSync(at, { encoding: 'buffer' })) {
      const path = Buffer.concat([prefix, name]);
      const entry = Buffer.concat([at, name]);
      const { mode, mtimeNs, size, ...stats } = { ...lstatSync(entry, { bigint: true }), ...kinds(entry) };
      const common = { path, mode: Number(mode) & 0o7777, mtimeNs, pieces: [], target: null, sha256: null, size: 0 };
      if (stats.directory) {
        entries.push({ ...common, type: 'directory' });
        add(Buffer.concat([path, Buffer.from('/')]));
      } else if (stats.link) entries.push({ ...common, type: 'symlink', target: readlinkSync(entry, 'buffer') });
      else {
        const content = readFileSync(entry);
        contents.set(path.toString('latin1'), content);
        const sha256 = createHash('sha256').update(content).digest('hex');
        entries.push({ ...common, type: 'file', size: Number(size), sha256 });
      }
    }
  };
  add(Buffer.alloc(0));
  return {
    snapshot_id: START_ID,
    async *entries() {
      for (const entry of entries) yield await Promise.resolve(entry);
    },
    async *content(entry) {
      yield await Promise.resolve(contents.get(entry.path.toString('latin1')) ?? Buffer.alloc(0));
    },
  };
}

function kinds(entry: Buffer): { directory: boolean; link: boolean } {
  const stats = lstatSync(entry);
  return { directory: stats.isDirectory(), link: stats.isSymbolicLink() };
}
