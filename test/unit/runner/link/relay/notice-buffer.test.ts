import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunnerNotice, RunnerNoticeFrame } from '../../../../../protocol/link/runner-notice.ts';
import { NoticeBuffer } from '../../../../../runner/link/relay/notice-buffer.ts';

const notice = (host: string): RunnerNotice => ({
  host_notice: 'egress',
  host,
  port: 443,
  verdict: 'allowed',
  rule: host,
  count: 1,
  bytes_sent: 0,
  bytes_received: 0,
});

test('notices wait until the session has said what it has, then go out numbered from 1', () => {
  const buffer = new NoticeBuffer(true);
  buffer.push(notice('a'));
  buffer.push(notice('b'));
  expect(buffer.take()).toBeUndefined();
  expect(buffer.acknowledge(0)).toBe(true);
  expect(buffer.take()).toEqual({ kind: 'host', first: 1, notices: [notice('a'), notice('b')] });
  expect(buffer.take()).toBeUndefined();
  buffer.push(notice('c'));
  expect(buffer.take()).toEqual({ kind: 'host', first: 3, notices: [notice('c')] });
});

test('what was not stored is said again on the next connection, and nothing else', () => {
  const buffer = new NoticeBuffer(true);
  for (const host of ['a', 'b', 'c']) buffer.push(notice(host));
  buffer.acknowledge(0);
  buffer.take();
  buffer.acknowledge(1);
  expect(buffer.take()).toBeUndefined();
  buffer.disconnected();
  expect(buffer.take()).toBeUndefined();
  buffer.acknowledge(2);
  expect(buffer.take()).toEqual({ kind: 'host', first: 3, notices: [notice('c')] });
  expect(buffer.empty).toBe(false);
  buffer.acknowledge(3);
  expect(buffer.empty).toBe(true);
});

test('a runner that took a container up goes on counting where the session is', () => {
  const buffer = new NoticeBuffer(false);
  buffer.push(notice('a'));
  expect(buffer.acknowledge(41)).toBe(true);
  expect(buffer.take()).toEqual({ kind: 'host', first: 42, notices: [notice('a')] });
});

test('a session cannot have what was not said, nor lose what it had', () => {
  const buffer = new NoticeBuffer(true);
  buffer.push(notice('a'));
  expect(buffer.acknowledge(2)).toBe(false);
  expect(buffer.acknowledge(1)).toBe(true);
  expect(buffer.acknowledge(0)).toBe(false);
});

test('whatever breaks and whenever, each notice is stored once and in order', () => {
  const step = fc.constantFrom('push', 'take', 'store', 'lose', 'break');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const buffer = new NoticeBuffer(true);
      const stored: RunnerNoticeFrame['notices'] = [];
      let flight: RunnerNoticeFrame[] = [];
      let pushed = 0;
      const settle = () => {
        for (const { first, notices } of flight) {
          expect(first).toBeLessThanOrEqual(stored.length + 1);
          stored.push(...notices.slice(stored.length + 1 - first));
        }
        flight = [];
        expect(buffer.acknowledge(stored.length)).toBe(true);
      };
      const send = () => {
        for (let frame = buffer.take(); frame !== undefined; frame = buffer.take()) flight.push(frame);
      };
      for (const what of [...steps, 'break', 'store', 'take', 'store'] as const) {
        if (what === 'push') buffer.push(notice(String(++pushed)));
        if (what === 'take') send();
        if (what === 'store') settle();
        if (what === 'lose') flight = flight.slice(0, 0);
        if (what === 'break' || what === 'lose') buffer.disconnected();
        if (what === 'lose') flight = [];
      }
      expect(stored.map((kept) => 'host' in kept && Number(kept.host))).toEqual(
        Array.from({ length: pushed }, (_, at) => at + 1),
      );
      expect(buffer.empty).toBe(true);
    }),
  );
});
