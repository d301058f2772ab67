import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Teller } from '../../durable/shared/retrying-call.ts';

const START = Date.UTC(2026, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A teller with `waiting` things to tell; each call waits for the test to end it. */
function scene(waiting: number) {
  const calls: PromiseWithResolvers<void>[] = [];
  const retry = vi.fn();
  const state = { waiting };
  const teller = new Teller({
    ctx: { waitUntil: () => {} },
    whom: 'the other',
    isDue: () => state.waiting > 0,
    async tell() {
      const call = Promise.withResolvers<void>();
      calls.push(call);
      await call.promise;
      state.waiting -= 1;
    },
    retry,
  });
  const heard = async (n: number) => {
    calls[n]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
  };
  const failed = async (n: number) => {
    calls[n]?.reject(new Error('away'));
    await vi.advanceTimersByTimeAsync(0);
  };
  return { teller, calls, retry, state, heard, failed };
}

describe('another object is told', () => {
  it('at once, one call at a time, and of what has come meanwhile after that', async () => {
    const { teller, calls, heard } = scene(2);
    teller.tell();
    teller.tell();
    expect(calls).toHaveLength(1);
    await heard(0);
    expect(calls).toHaveLength(2);
    await heard(1);
    expect(teller.nextTry()).toBeNull();
    expect(calls).toHaveLength(2);
  });

  it('again a second after a call has failed, and not sooner', async () => {
    const { teller, calls, retry, heard, failed } = scene(1);
    teller.tell();
    expect(teller.retryAt()).toBeNull();
    await failed(0);
    expect(retry).toHaveBeenCalledOnce();
    expect([teller.nextTry(), teller.retryAt()]).toEqual([START + 1000, START + 1000]);
    vi.setSystemTime(START + 999);
    teller.tell();
    expect(calls).toHaveLength(1);
    vi.setSystemTime(START + 1000);
    teller.tell();
    expect(calls).toHaveLength(2);
    await heard(1);
    expect([teller.nextTry(), teller.retryAt()]).toEqual([null, null]);
  });

  it('while a call is under way, is looked at a second later, however long ago one has failed', async () => {
    const { teller, calls, failed } = scene(1);
    teller.tell();
    await failed(0);
    vi.setSystemTime(START + 5000);
    teller.tell();
    expect(calls).toHaveLength(2);
    expect(teller.nextTry()).toBe(START + 6000);
  });

  it('no more of what has been told otherwise since a call failed', async () => {
    const { teller, state, failed } = scene(1);
    teller.tell();
    await failed(0);
    state.waiting = 0;
    expect([teller.nextTry(), teller.retryAt()]).toEqual([null, null]);
  });
});
