import { expect, test } from 'vitest';
import { PORTER_PING_MS } from '../../../../../protocol/link/porter.ts';
import { Liveness, MAX_UNANSWERED, PING_MS, type Due } from '../../../../../runner/link/relay/liveness.ts';

const ticks = (liveness: Liveness, link: 'cut' | 'away' | 'unread' | 'read', count: number): Due[] =>
  Array.from({ length: count }, () => liveness.tick(link));

test('a wrapper that sends something now and then lives, however late within the time', () => {
  const liveness = new Liveness(false);
  liveness.connected();
  for (let round = 1; round <= 20; round += 1) {
    expect(ticks(liveness, 'read', MAX_UNANSWERED)).not.toContain('unresponsive');
    liveness.heard();
  }
});

test('one that answers none is given up after so many, and not before', () => {
  const liveness = new Liveness(false);
  liveness.connected();
  expect(ticks(liveness, 'read', MAX_UNANSWERED + 1)).toEqual([
    ...Array.from({ length: MAX_UNANSWERED }, (_, at) => ({ ping: at + 1 })),
    'unresponsive',
  ]);
});

test('while its answers are not read, nobody says that it gives none', () => {
  const liveness = new Liveness(false);
  liveness.connected();
  ticks(liveness, 'read', MAX_UNANSWERED);
  expect(ticks(liveness, 'unread', 100)).not.toContain('unresponsive');
  expect(liveness.tick('read')).toEqual({ ping: MAX_UNANSWERED + 1 });
});

test('one that was connected and is gone is given up; one that has yet to come is not', () => {
  const liveness = new Liveness(false);
  expect(ticks(liveness, 'away', 100)).not.toContain('unresponsive');
  liveness.connected();
  expect(ticks(liveness, 'away', MAX_UNANSWERED)).not.toContain('unresponsive');
  liveness.connected();
  expect(ticks(liveness, 'away', MAX_UNANSWERED + 1).at(-1)).toBe('unresponsive');
});

test('of a container that was running before, the wrapper has to come', () => {
  expect(ticks(new Liveness(true), 'away', MAX_UNANSWERED + 1).at(-1)).toBe('unresponsive');
});

test('while the line to its machine is down nobody gives it up, and then it has all its time to come', () => {
  const liveness = new Liveness(true, 1000);
  liveness.connected();
  ticks(liveness, 'read', MAX_UNANSWERED);
  expect(ticks(liveness, 'cut', 900)).not.toContain('unresponsive');
  expect(ticks(liveness, 'away', MAX_UNANSWERED)).not.toContain('unresponsive');
  expect(ticks(liveness, 'cut', 1001).at(-1)).toBe('cut_off');
});

test('the end of a line that says nothing more is noticed before its wrapper is given up', () => {
  // A ping that is not answered until the next is due ends the connection.
  expect(2 * PORTER_PING_MS).toBeLessThan(MAX_UNANSWERED * PING_MS);
});

test('it knows which pings it has sent', () => {
  const liveness = new Liveness(false);
  liveness.connected();
  expect([liveness.wasSent(1), liveness.wasSent(liveness.ping())]).toEqual([false, true]);
});
