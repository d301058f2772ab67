import { expect, test } from 'vitest';
import { DiskFloor } from '../../../../../runner/lib/disk/disk-floor.ts';

const free = (mb: number) => ({ availableBytes: mb * 1024 * 1024 });

test('a disk is low below its floor, and until there is notably more than that', () => {
  const floor = new DiskFloor(1000);
  const states = [1000, 999, 1050, 1099, 1100, 1000, 999].map((mb) => floor.look(free(mb)).low);
  expect(states).toEqual([false, true, true, true, false, false, true]);
});

test('without a floor it never is', () => {
  expect(new DiskFloor(0).look(free(0))).toEqual({ free_mb: 0, low: false });
});
