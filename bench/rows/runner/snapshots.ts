import { execFile } from 'node:child_process';

import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { v7 as uuidV7 } from 'uuid';
import { createLog } from '../../../runner/lib/log.ts';
import { Snapshots } from '../../../runner/snapshot/snapshots.ts';
import { openStorage } from '../../../runner/storage/open-storage.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { residentMb } from '../../lib/memory.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { median, pairedRatio } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * The cost of a snapshot, against `tar | zstd` of the same tree to the same disk, in turns. The tree is this project with its
 * `node_modules`: saved for the first time, saved again after ten files were changed, and restored. It also shows the memory
 * of the process.
 *
 * `node bench/rows/runner/snapshots.ts [--rounds N]`
 */

const ROUNDS = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 3;
const TOUCHED = 10;

const OWNER = '0'.repeat(64);
const GOALS = { first: 1.3, second: 0.15, restore: 1.3 };

const run = promisify(execFile);
const sh = (script: string, folder: string) => run('sh', ['-c', script], { cwd: folder });

function line(what: string, list: readonly number[], rest = ''): void {
  console.log(`  ${what.padEnd(34)}${String(Math.round(median(list))).padStart(6)} ms  ${rest}`);
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  // Write out what the measurement before has left in the page cache.
  await run('sync', []);
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

const none = (): number[] => [];

async function measure(): Promise<boolean> {
  const { folder, remove } = await makeScratch();
  const log = createLog('warn');
  const store = await openStorage({ kind: 'folder', folder: null }, folder, log);
  const snapshots = new Snapshots({ store, log });
  const { signal } = new AbortController();
  const workspace = path.join(folder, 'workspace');
  const conversation = path.join(folder, 'claude');
  await mkdir(conversation);
  await sh(
    `mkdir workspace && tar -C '${PROJECT}' --exclude=./.cc-docker --exclude=./.git -cf - . | tar -C workspace -xf -`,
    folder,
  );
  const touched = (await readdir(path.join(workspace, 'runner'), { recursive: true }))
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .slice(0, TOUCHED);
  // A snapshot checks very young files twice: let them grow older first.
  await delay(2500);

  const samples = { tar: none(), first: none(), second: none(), untar: none(), restore: none() };
  let stored = { files: 0, bytes: 0, first: 0, second: 0 };
  const idle = residentMb('VmRSS');
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const save = async (cache: string) => {
        const input = { owner: OWNER, snapshot_id: uuidV7(), workspace, conversation, base: null, quota_bytes: null };
        const saved = await snapshots.save({ ...input, cache, signal });
        if (!saved.ok) throw new Error(saved.detail);
        return { ...saved, snapshot_id: input.snapshot_id };
      };
      const cache = path.join(folder, `cache-${round}`);
      const tar = await timed(() => sh(`tar -C workspace -cf - . | zstd -3 -q -f -o tree.tar.zst`, folder));
      const first = await timed(() => save(cache));
      for (const name of touched) await appendFile(path.join(workspace, 'runner', name), `// ${round}\n`);
      const second = await timed(() => save(cache));
      // Remove neither tree before the end: after a large removal, ext4 searches for minutes for inodes to use.
      const untar = await timed(() =>
        sh(`mkdir untarred-${round} && zstd -dcq tree.tar.zst | tar -C untarred-${round} -xf -`, folder),
      );
      const restore = await timed(async () => {
        const tree = { snapshot_id: second.result.snapshot_id, tree: 'workspace' } as const;
        const restored = await snapshots.restore({
          owner: OWNER,
          ...tree,
          into: path.join(folder, `restored-${round}`),
          cache: `${cache}-r`,
          signal,
        });
        if (!restored.ok) throw new Error(restored.detail);
      });
      if (round === 0) await sh('diff -r --no-dereference workspace restored-0', folder);
      await rm(path.join(folder, 'storage', 'owners'), { recursive: true });
      const { files, bytes, new_bytes } = first.result;
      stored = { files, bytes, first: new_bytes, second: second.result.new_bytes };
      // The first round pays for what is read from the disk for the first time.
      if (round === 0) continue;
      samples.tar.push(tar.ms);
      samples.first.push(first.ms);
      samples.second.push(second.ms);
      samples.untar.push(untar.ms);
      samples.restore.push(restore.ms);
    }
  } finally {
    await snapshots.close();
    store.close();
    await remove();
  }

  const ratios = {
    first: pairedRatio(samples.first, samples.tar),
    second: pairedRatio(samples.second, samples.first),
    restore: pairedRatio(samples.restore, samples.untar),
  };
  const goal = (name: keyof typeof GOALS, against: string) =>
    `${ratios[name].toFixed(2)} × ${against} (goal ${GOALS[name]}: ${ratios[name] <= GOALS[name] ? 'met' : 'MISSED'})`;
  console.log(`  ${stored.files} files, folders and links, ${mb(stored.bytes)}; ${ROUNDS} rounds, medians`);
  line('tar | zstd -3', samples.tar);
  line('first snapshot', samples.first, `${goal('first', 'tar | zstd')}, ${mb(stored.first)} stored`);
  line(
    `second, after touching ${touched.length} files`,
    samples.second,
    `${goal('second', 'the first')}, ${mb(stored.second)} stored`,
  );
  line('zstd -d | tar x', samples.untar);
  line('restore, every byte verified', samples.restore, goal('restore', 'zstd -d | tar x'));
  console.log(`  memory of the process: ${idle} MB before, ${residentMb('VmHWM')} MB at most`);
  for (const name of ['first', 'second', 'restore'] as const) reportFigure(`snapshot.${name}`, ratios[name]);
  return ratios.first <= GOALS.first && ratios.second <= GOALS.second && ratios.restore <= GOALS.restore;
}

if (!(await measure())) process.exitCode = 1;
