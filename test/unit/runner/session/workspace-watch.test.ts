import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { FreeSpace, type Space } from '../../../../runner/lib/disk/free-space.ts';
import { measureWith } from '../../../../runner/lib/disk/usage.ts';
import { WorkspaceWatch, type Full } from '../../../../runner/session/container/workspace-watch.ts';
import { Changes } from '../../../support/changes.ts';
import { collectGarbage } from '../../../support/collect-garbage.ts';
import { keptLog } from '../../../support/quiet-log.ts';
import { scratch } from '../../../support/scratch.ts';

const write = (folder: string, name: string, mb: number) =>
  writeFileSync(path.join(folder, name), Buffer.alloc(mb * 1024 * 1024, 1));
const touch = (folder: string, files: number) => {
  for (let n = 0; n < files; n++) writeFileSync(path.join(folder, `${n}`), '');
};

const LOOK_MS = 10;

/**
 * A disk that has these folders alone. On the machine's, others free as much as a test writes, and then the watch rightly sees
 * nothing until its next measurement: a test of what it does at once would fail by chance.
 */
const diskOf = (...folders: string[]) => {
  const now = async (): Promise<Space> => {
    const files = folders.flatMap((folder) => readdirSync(folder).map((name) => statSync(path.join(folder, name))));
    const freeBytes = 2 ** 40 - files.reduce((all, { size }) => all + size, 0);
    return { freeBytes, availableBytes: freeBytes, freeFiles: 1_000_000 - files.length };
  };
  return { now, next: async () => await pause(LOOK_MS, undefined, { ref: false }).then(now) };
};

interface Watched {
  /** Where the folders are; absent: on the machine's disk. */
  space?: ReturnType<typeof diskOf>;
  mb?: number;
  files?: number;
  /** Called when the container is paused. */
  onPause?: () => void;
  resume?: () => Promise<void>;
}

async function watch(folders: string[], { mb = 16, files = 100_000, onPause, resume, ...given }: Watched = {}) {
  const changes = new Changes();
  const full: Full[] = [];
  /** What happened to the container. */
  const container: string[] = [];
  const { log } = keptLog();
  const watched = new WorkspaceWatch({
    folders,
    limits: { mb, files },
    space: given.space ?? new FreeSpace(folders[0] ?? '', LOOK_MS),
    measure: measureWith({ log }),
    pause: async () => {
      container.push('paused');
      onPause?.();
    },
    resume: async () => {
      await resume?.();
      container.push('resumed');
      changes.notify();
    },
    onFull: (what, isFlood) => {
      full.push(what);
      container.push(isFlood ? 'ended at once' : 'ended');
      changes.notify();
    },
    onStillWriting: () => {
      container.push('still writing');
      changes.notify();
    },
    log,
  });
  onTestFinished(() => watched.close());
  await watched.measured;
  return {
    full,
    container,
    changes,
    fullUp: async () => await changes.until(() => full[0]),
    close: () => watched.close(),
  };
}

test('all files of both folders count together, in any depth', async () => {
  const [workspace, claude] = [scratch(), scratch()];
  write(workspace, 'a', 5);
  const { fullUp } = await watch([workspace, claude]);
  write(claude, 'b', 12);
  expect(await fullUp()).toEqual({ limit: 'mb', used: 18 });
});

test('files without content count too', async () => {
  const folder = scratch();
  const { fullUp } = await watch([folder], { space: diskOf(folder), files: 2_000 });
  touch(folder, 2_500);
  expect(await fullUp()).toMatchObject({ limit: 'files', used: expect.any(Number) });
});

test('what is over its limit from the start may be cleaned up, but hardly grow', async () => {
  const folder = scratch();
  write(folder, 'left over', 30);
  const { full, fullUp } = await watch([folder], { space: diskOf(folder) });
  write(folder, 'more', 20);
  rmSync(path.join(folder, 'more'));
  expect(full).toEqual([]);
  write(folder, 'too much', 80);
  expect((await fullUp()).used).toBeGreaterThan(16 + 64);
});

test('a container that may have written too much is paused while it is measured, and goes on when it has not', async () => {
  const [folder, ofAnother] = [scratch(), scratch()];
  const { container, changes, full } = await watch([folder], { space: diskOf(folder, ofAnother) });
  // On the same file system, but not this session's.
  write(ofAnother, 'much', 30);
  await changes.until(() => container.includes('resumed') || undefined);
  expect(container.slice(0, 2)).toEqual(['paused', 'resumed']);
  expect(full).toEqual([]);
});

test('it is resumed before it is told to end, and one that then goes on writing is reported', async () => {
  const folder = scratch();
  const { container, changes, fullUp } = await watch([folder], { space: diskOf(folder) });
  write(folder, 'too much', 20);
  await fullUp();
  expect(container).toEqual(['paused', 'resumed', 'ended']);
  write(folder, 'and more', 40);
  await changes.until(() => container.includes('still writing') || undefined);
});

test('one that is far over its limit is ended where it is held', async () => {
  const folder = scratch();
  const { container, fullUp } = await watch([folder], { space: diskOf(folder) });
  write(folder, 'far too much', 60);
  await fullUp();
  expect(container.slice(0, 2)).toEqual(['paused', 'ended at once']);
});

test('an engine that fails to resume it is asked again, also when the watch ends meanwhile', async () => {
  const [folder, ofAnother] = [scratch(), scratch()];
  let fails = 2;
  const { container, changes, close } = await watch([folder], {
    space: diskOf(folder, ofAnother),
    onPause: () => changes.notify(),
    resume: async () => {
      if (fails-- > 0) throw new Error('the engine is away');
    },
  });
  write(ofAnother, 'much', 30);
  await changes.until(() => container.includes('paused') || undefined);
  await close();
  expect(container).toContain('resumed');
});

test('it ends when told to, in the middle of a look too', async () => {
  const { close, full } = await watch([scratch()]);
  await close();
  expect(full).toEqual([]);
});

test('a container that runs for long does not keep all looks at the disk in memory', async () => {
  const folder = scratch();
  const looks: WeakRef<Space>[] = [];
  const changes = new Changes();
  const space = {
    ...diskOf(folder),
    next: async (): Promise<Space> => {
      await pause(1, undefined, { ref: false });
      const look = { freeBytes: 2 ** 40, availableBytes: 2 ** 40, freeFiles: 1_000_000 };
      looks.push(new WeakRef(look));
      changes.notify();
      return look;
    },
  };
  await watch([folder], { space });
  await changes.until(() => looks.length >= 200 || undefined);
  await collectGarbage();
  expect(looks.filter((look) => look.deref() !== undefined).length).toBeLessThan(20);
});
