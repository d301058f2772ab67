import { expect, test } from 'vitest';
import { Pace } from '../../../../../runner/link/relay/pace.ts';

test('a rush of frames is read at once; who goes on without end is read as fast as the runner takes it from one container', () => {
  const pace = new Pace(0);
  for (let n = 0; n < 4_000; n += 1) pace.frame(0, 0);
  expect(pace.wait(0)).toBe(0);
  for (let n = 0; n < 2_000; n += 1) pace.frame(0, 0);
  expect(pace.wait(0)).toBe(1_000);
  expect(pace.wait(1_000)).toBe(0);
});

test('a frame counts by its length too', () => {
  const pace = new Pace(0);
  for (let n = 0; n < 3; n += 1) pace.frame(28 * 1024 * 1024, 0);
  expect(pace.wait(0)).toBeGreaterThan(500);
});

test('previews that are too many are dropped, and shown again later', () => {
  const pace = new Pace(0);
  const mb = 1024 * 1024;
  expect(Array.from({ length: 10 }, () => pace.preview(mb, 0))).toEqual([...Array(8).fill(true), false, false]);
  expect(pace.preview(mb, 1_000)).toBe(true);
});
