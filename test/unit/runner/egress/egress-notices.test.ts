import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunnerNotice } from '../../../../protocol/link/runner-notice.ts';
import type { Decision } from '../../../../runner/egress/policy/decision.ts';
import { EgressNotices, MERGE_MS } from '../../../../runner/egress/egress-notices.ts';

const base: Decision = {
  host: 'a.test',
  port: 443,
  verdict: 'allowed',
  rule: 'a.test',
  bytesSent: 0,
  bytesReceived: 0,
  phase: 'opened',
};
const ended: Decision = { ...base, bytesSent: 3, bytesReceived: 7, phase: 'closed' };

let told: Extract<RunnerNotice, { host_notice: 'egress' }>[][];
let notices: EgressNotices;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  notices = new EgressNotices((batch) => told.push(batch));
});
afterEach(() => {
  vi.useRealTimers();
});

test('the first of a kind is told at once; repeats and bytes come together later', () => {
  notices.add(base);
  expect(told).toEqual([
    [
      {
        host_notice: 'egress',
        host: 'a.test',
        port: 443,
        verdict: 'allowed',
        rule: 'a.test',
        count: 1,
        bytes_sent: 0,
        bytes_received: 0,
      },
    ],
  ]);
  notices.add(base);
  notices.add(ended);
  notices.add(ended);
  expect(told).toHaveLength(1);
  vi.advanceTimersByTime(MERGE_MS);
  expect(told[1]).toMatchObject([{ count: 1, bytes_sent: 6, bytes_received: 14 }]);
  vi.advanceTimersByTime(10 * MERGE_MS);
  expect(told).toHaveLength(2);
  notices.add(base);
  expect(told).toHaveLength(3);
});

test('a stream of repeats is told once an interval', () => {
  for (let second = 0; second < 50; second++) {
    notices.add({ ...base, verdict: 'refused' });
    vi.advanceTimersByTime(1_000);
  }
  expect(told.length).toBeLessThanOrEqual(11);
  notices.close();
  expect(told.flat().reduce((sum, { count }) => sum + count, 0)).toBe(50);
});

test('what is told apart differs in host, port, verdict or rule', () => {
  for (const change of [{}, { host: 'b.test' }, { port: 80 }, { verdict: 'refused' as const }, { rule: '*' }]) {
    notices.add({ ...base, ...change });
  }
  expect(told).toHaveLength(5);
});

test('a container that tries names by the thousand makes no thousand notices, and none is uncounted', () => {
  for (let index = 0; index < 5_000; index++) notices.add({ ...base, verdict: 'refused', host: `h${index}.test` });
  notices.close();
  const all = told.flat();
  expect(all.length).toBeLessThan(70);
  expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
});

test('closing tells what waits, and leaves no timer behind', () => {
  notices.add(base);
  notices.add(ended);
  notices.close();
  expect(told[1]).toMatchObject([{ count: 0, bytes_sent: 3, bytes_received: 7 }]);
  expect(vi.getTimerCount()).toBe(0);
});
