import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { turnOf } from '../../../../functions/gate/large-bodies.ts';

const LARGE = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether a turn has been given. What is due now is done first. */
async function isGiven(turn: Promise<unknown>): Promise<boolean> {
  let given = false;
  void turn.then(() => (given = true));
  await vi.advanceTimersByTimeAsync(0);
  return given;
}

test('an owner’s large bodies come one after another, in order; small ones, and those of others, at once', async () => {
  const first = await turnOf('alice', LARGE);
  const second = turnOf('alice', LARGE);
  const third = turnOf('alice', LARGE);
  await turnOf('alice', 1000);
  (await turnOf('bob', LARGE))();
  expect([await isGiven(second), await isGiven(third)]).toEqual([false, false]);
  first();
  expect([await isGiven(second), await isGiven(third)]).toEqual([true, false]);
  (await second)();
  (await third)();
  (await turnOf('alice', LARGE))();
});

test('between two of an owner, others have as much time as the first took', async () => {
  const first = await turnOf('carol', LARGE);
  await vi.advanceTimersByTimeAsync(50);
  const second = turnOf('carol', LARGE);
  first();
  await vi.advanceTimersByTimeAsync(49);
  expect(await isGiven(second)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await isGiven(second)).toBe(true);
  (await second)();
});

test('a call that waits for its answer for long has ended its turn', async () => {
  await turnOf('alice', LARGE);
  const second = turnOf('alice', LARGE);
  expect(await isGiven(second)).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await isGiven(second)).toBe(true);
  (await second)();
});

test('a turn whose call the platform has ended holds the next one up for some seconds, and none after it', async () => {
  await turnOf('alice', LARGE);
  vi.clearAllTimers();
  const second = turnOf('alice', LARGE);
  expect(await isGiven(second)).toBe(false);
  await vi.advanceTimersByTimeAsync(5000);
  expect(await isGiven(second)).toBe(true);
  (await second)();
  expect(await isGiven(turnOf('alice', LARGE))).toBe(true);
});
