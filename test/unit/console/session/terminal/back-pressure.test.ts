import { expect, test } from 'vitest';
import { BackPressure } from '../../../../../console/session/terminal/back-pressure.ts';

test('a terminal that shows slowly is given no more than it can hold', async () => {
  const shown: (() => void)[] = [];
  const pressure = new BackPressure((_bytes, done) => shown.push(done));
  const piece = new Uint8Array(64 * 1024);
  await pressure.write(piece);
  let isThrough = false;
  const second = pressure.write(piece).then(() => (isThrough = true));
  await Promise.resolve();
  expect(isThrough).toBe(false);
  shown.shift()?.();
  await second;
  expect(isThrough).toBe(true);
});
