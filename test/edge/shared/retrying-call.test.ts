import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RetryingCall } from '../../../durable/shared/retrying-call.ts';

const START = Date.UTC(2026, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A call with `waiting` things to send; each call waits for the test to end it. */
function scene(waiting: number, waitMs?: (failures: number) => number) {
  const calls: PromiseWithResolvers<void>[] = [];
  const retry = vi.fn();
  const state = { waiting };
  const call = new RetryingCall({
    ctx: { waitUntil: () => {} },
    whom: 'the other',
    isDue: () => state.waiting > 0,
    async send() {
      const answer = Promise.withResolvers<void>();
      calls.push(answer);
      await answer.promise;
      state.waiting -= 1;
    },
    retry,
    ...(waitMs && { waitMs }),
  });
  const heard = async (n: number) => {
    calls[n]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
  };
  const failed = async (n: number) => {
    calls[n]?.reject(new Error('away'));
    await vi.advanceTimersByTimeAsync(0);
  };
  return { call, calls, retry, state, heard, failed };
}

describe('another object is told', () => {
  it('at once, one call at a time, and of what has come meanwhile after that', async () => {
    const { call, calls, heard } = scene(2);
    call.send();
    call.send();
    expect(calls).toHaveLength(1);
    await heard(0);
    expect(calls).toHaveLength(2);
    await heard(1);
    expect(call.nextTry()).toBeNull();
    expect(calls).toHaveLength(2);
  });

  it('again a second after a call has failed, and not sooner', async () => {
    const { call, calls, retry, heard, failed } = scene(1);
    call.send();
    expect(call.retryAt()).toBeNull();
    await failed(0);
    expect(retry).toHaveBeenCalledOnce();
    expect([call.nextTry(), call.retryAt()]).toEqual([START + 1000, START + 1000]);
    vi.setSystemTime(START + 999);
    call.send();
    expect(calls).toHaveLength(1);
    vi.setSystemTime(START + 1000);
    call.send();
    expect(calls).toHaveLength(2);
    await heard(1);
    expect([call.nextTry(), call.retryAt()]).toEqual([null, null]);
  });

  it('while a call is under way, is looked at a second later, however long ago one has failed', async () => {
    const { call, calls, failed } = scene(1);
    call.send();
    await failed(0);
    vi.setSystemTime(START + 5000);
    call.send();
    expect(calls).toHaveLength(2);
    expect(call.nextTry()).toBe(START + 6000);
  });

  it('after waits that grow with each failure, if it is said so, and shrink again once it is heard', async () => {
    const { call, heard, failed } = scene(2, (failures) => failures * 10_000);
    const waited = async (n: number, wait: number) => {
      call.send();
      await failed(n);
      expect(call.nextTry()).toBe(Date.now() + wait);
      vi.setSystemTime(Date.now() + wait);
    };
    await waited(0, 10_000);
    await waited(1, 20_000);
    call.send();
    await heard(2);
    await failed(3);
    expect(call.nextTry()).toBe(Date.now() + 10_000);
  });

  it('no more of what has been told otherwise since a call failed', async () => {
    const { call, state, failed } = scene(1);
    call.send();
    await failed(0);
    state.waiting = 0;
    expect([call.nextTry(), call.retryAt()]).toEqual([null, null]);
  });
});
