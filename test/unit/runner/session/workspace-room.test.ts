import { expect, test } from 'vitest';
import { verdictOf } from '../../../../runner/session/container/workspace-room.ts';

const MB = 1024 * 1024;
const space = (mb: number, files: number | null = 1_000_000) => ({
  freeBytes: mb * MB,
  availableBytes: mb * MB,
  freeFiles: files,
});
const room = { bytes: 80 * MB, files: 100_000 };

test.each([
  ['nothing was written', space(1000), 'fine'],
  ['others have made room', space(2000), 'fine'],
  ['little was written', space(991), 'fine'],
  ['an eighth of the room was written', space(990), 'measure'],
  ['half of the room was written', space(960), 'pause'],
  ['an eighth of the files was made', space(1000, 987_500), 'measure'],
  ['half of the files was made', space(1000, 950_000), 'pause'],
] as const)('%s', (_, now, verdict) => {
  expect(verdictOf(room, { before: space(1000), now, sinceMs: 1 })).toBe(verdict);
});

test('a log that grows is no reason to look at a workspace that is full', () => {
  const none = { bytes: -1, files: -1 };
  expect(verdictOf(none, { before: space(1000), now: space(999.5, 999_900), sinceMs: 1 })).toBe('fine');
  expect(verdictOf(none, { before: space(1000), now: space(999), sinceMs: 1 })).toBe('pause');
});

test('it is measured from time to time, and more often where files are not counted', () => {
  const [before, uncounted] = [space(1000), space(1000, null)];
  expect(verdictOf(room, { before, now: before, sinceMs: 61_000 })).toBe('measure');
  expect(verdictOf(room, { before: uncounted, now: uncounted, sinceMs: 3_000 })).toBe('measure');
  expect(verdictOf(room, { before, now: before, sinceMs: 3_000 })).toBe('fine');
});
