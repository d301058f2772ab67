import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { garbage, type StoredImage } from '../../../../../runner/session/environment/garbage.ts';

const NOW = 1_000_000_000;
const HOUR = 3_600_000;
const image = (id: string, bytes: number, hours: number): StoredImage => ({ id, bytes, usedAt: NOW - hours * HOUR });
const ids = (images: StoredImage[]) => images.map(({ id }) => id);

test('what was not used for long goes', () => {
  const images = [image('new', 1, 1), image('old', 1, 100)];
  expect(ids(garbage(images, { keepMs: 48 * HOUR, storeBytes: 0 }, NOW))).toEqual(['old']);
  expect(garbage(images, { keepMs: 0, storeBytes: 0 }, NOW)).toEqual([]);
});

test('above the room that they may take, those go first that were used longest ago, and no more than has to', () => {
  const images = [image('b', 40, 2), image('a', 40, 1), image('c', 40, 3)];
  expect(ids(garbage(images, { keepMs: 0, storeBytes: 80 }, NOW))).toEqual(['c']);
  expect(ids(garbage(images, { keepMs: 0, storeBytes: 79 }, NOW))).toEqual(['c', 'b']);
});

test('what a start may have found a moment ago stays, whatever it takes', () => {
  const images = [image('old', 10, 5), image('now', 1000, 0)];
  expect(ids(garbage(images, { keepMs: 1, storeBytes: 1 }, NOW))).toEqual(['old']);
});

test('afterwards all that is left fits, or is in use', () => {
  const some = fc.array(fc.record({ bytes: fc.nat(100), hours: fc.nat(50) }), { maxLength: 20 });
  fc.assert(
    fc.property(some, fc.nat(500), (given, storeBytes) => {
      const images = given.map(({ bytes, hours }, n) => image(String(n), bytes, hours));
      const gone = new Set(garbage(images, { keepMs: 0, storeBytes: storeBytes + 1 }, NOW));
      const left = images.filter((one) => !gone.has(one));
      const sum = left.reduce((all, { bytes }) => all + bytes, 0);
      expect(sum <= storeBytes + 1 || left.every(({ usedAt }) => usedAt === NOW)).toBe(true);
    }),
  );
});
