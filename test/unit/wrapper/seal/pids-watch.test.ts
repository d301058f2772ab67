import { expect, test } from 'vitest';
import { PidsWatch, STUCK_MS } from '../../../../wrapper/seal/pids-watch.ts';

const LIMIT = 100;

test('a container at its limit for as long as a tool may retry is beyond help; one that touched it is not', () => {
  const watch = new PidsWatch(STUCK_MS);
  expect(watch.sample({ current: LIMIT, limit: LIMIT, refused: 3 }, 0)).toBe(false);
  expect(watch.sample({ current: 20, limit: LIMIT, refused: 3 }, 1000)).toBe(false);
  expect(watch.sample({ current: LIMIT, limit: LIMIT, refused: 3 }, 2000)).toBe(false);
  expect(watch.sample({ current: LIMIT - 1, limit: LIMIT, refused: 9 }, 2000 + STUCK_MS - 1)).toBe(false);
  expect(watch.sample({ current: LIMIT, limit: LIMIT, refused: 9 }, 2000 + STUCK_MS)).toBe(true);
});

test('what dies soon after a start was refused may have died of it', () => {
  const watch = new PidsWatch(STUCK_MS);
  expect(watch.refusedLately(0)).toBe(false);
  watch.sample({ current: 10, limit: LIMIT, refused: 0 }, 0);
  expect(watch.refusedLately(0)).toBe(false);
  watch.sample({ current: 10, limit: LIMIT, refused: 1 }, 1000);
  expect(watch.refusedLately(1500)).toBe(true);
  expect(watch.refusedLately(1001 + STUCK_MS)).toBe(false);
});
