import { expect, test } from 'vitest';
import { BATCH_BYTES, BATCH_EVENTS } from '../../../../protocol/settings/limits.ts';
import { FRAME_MS, Rush } from '../../../../wrapper/link/rush.ts';
import { StoppedClock } from '../../../support/link/stopped-clock.ts';

/** A rush, and when it was flushed. */
function begin(): { clock: StoppedClock; rush: Rush; flushed: number[] } {
  const clock = new StoppedClock();
  const flushed: number[] = [];
  return { clock, flushed, rush: new Rush(() => flushed.push(clock.now()), clock) };
}

test('what comes alone is sent at once, each time', () => {
  const { clock, rush, flushed } = begin();
  for (let n = 0; n < 5; n += 1) {
    rush.join(100);
    expect(flushed.at(-1)).toBe(clock.now());
    clock.goOn(FRAME_MS);
  }
  expect(flushed).toEqual([0, 20, 40, 60, 80]);
});

test('in a rush one flush a frame is made, the first at once, and the last is not left', () => {
  const { clock, rush, flushed } = begin();
  const goOn = (ms: number) => {
    for (let n = 0; n < ms; n += 1) clock.goOn(1);
  };
  for (let n = 0; n < 20; n += 1) {
    rush.join(100);
    goOn(5);
  }
  goOn(2 * FRAME_MS);
  expect(flushed).toEqual([0, 20, 40, 60, 80, 100]);
  // What comes alone after a rush is sent at once again, and no rush is left behind.
  rush.join(100);
  goOn(FRAME_MS);
  rush.join(100);
  expect(flushed.slice(6)).toEqual([140, 160]);
});

test('what may not wait is sent at once, with what has waited, and begins another frame', () => {
  const { clock, rush, flushed } = begin();
  rush.join(100);
  clock.goOn(5);
  rush.join(100);
  expect(rush.isJoining).toBe(true);
  clock.goOn(5);
  rush.now();
  expect([flushed, rush.isJoining]).toEqual([[0, 10], false]);
  clock.goOn(5);
  rush.join(100);
  clock.goOn(FRAME_MS - 6);
  expect(flushed).toEqual([0, 10]);
  clock.goOn(1);
  expect(flushed).toEqual([0, 10, 30]);
});

test('as much as fills a frame of the link does not wait for the display’s', () => {
  const { rush, flushed } = begin();
  for (let n = 0; n < 1 + BATCH_EVENTS; n += 1) rush.join(1);
  rush.join(BATCH_BYTES);
  expect(flushed).toEqual([0, 0, 0]);
  rush.join(1);
  rush.close();
  expect(rush.isJoining).toBe(false);
});
