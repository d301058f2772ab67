import { expect, test } from 'vitest';
import { Growth } from '../../../../runner/session/disk/growth.ts';

const MB = 1024 * 1024;

test('the session that grows fastest is found, not the largest one', () => {
  const growth = new Growth();
  for (const [at, large, slow, fast] of [
    [0, 5000, 10, 0],
    [1000, 5000, 12, 40],
    [2000, 5000, 14, 80],
  ] as const) {
    growth.add('large', large * MB, at);
    growth.add('slow', slow * MB, at);
    growth.add('fast', fast * MB, at);
  }
  expect(growth.fastest()).toBe('fast');
  growth.keep(new Set(['large', 'slow']));
  expect(growth.fastest()).toBe('slow');
  growth.keep(new Set(['large']));
  expect(growth.fastest()).toBeUndefined();
});

test('when the disk is full and nobody grows any more, it is the one that grew most since it was last measured', () => {
  const growth = new Growth();
  growth.add('filled it', 0, 0);
  growth.add('small', 0, 0);
  for (const at of [60_000, 61_000, 62_000]) {
    growth.add('filled it', 900 * MB, at);
    growth.add('small', 2 * MB, at);
  }
  expect(growth.fastest()).toBe('filled it');
});

test('what has not grown, or was measured once, is nobody’s fault', () => {
  const growth = new Growth();
  growth.add('new', 900 * MB, 0);
  growth.add('log', 0, 0);
  growth.add('log', 1000, 1000);
  expect(growth.fastest()).toBeUndefined();
});
