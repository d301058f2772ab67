import { expect, test } from 'vitest';
import { backoff } from '../../../../wrapper/lib/backoff.ts';

test('tries come fast at first, then ever rarer up to two seconds', () => {
  expect([0, 1, 2, 6, 7, 1000].map((failures) => backoff(failures, 0))).toEqual([20, 40, 80, 1280, 2000, 2000]);
});

test('jitter takes away up to half', () => {
  expect([0, 0.5, 1].map((random) => backoff(7, random))).toEqual([2000, 1500, 1000]);
});
