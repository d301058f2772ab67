import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog } from '../../../../runner/lib/log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function kept() {
  const lines: string[] = [];
  const log = createLog('info', (line) => lines.push(line));
  return { log, lines, read: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line says when, how bad, what, and the fields of its log', () => {
  const { log, lines, read } = kept();
  log.with({ session: 's' }).warn('lost', { error: new Error('gone') });
  expect(lines[0]).toMatch(/^\{"time":"[^"]+","level":"warn",.*\}\n$/);
  expect(read()[0]).toMatchObject({ event: 'lost', session: 's', error: 'gone' });
});

test('a line that comes again and again is written twice, with the count, and others in between as ever', () => {
  const { log, lines, read } = kept();
  for (let n = 0; n < 120_000; n++) log.warn('wrapper connection dropped', { why: 'a second one' });
  log.info('other');
  vi.advanceTimersByTime(10_000);
  expect(lines.join('').length).toBeLessThan(1000);
  expect(read()).toMatchObject([
    { event: 'wrapper connection dropped', why: 'a second one' },
    { event: 'other' },
    { event: 'wrapper connection dropped', why: 'a second one', repeated: 119_999 },
  ]);
  log.warn('wrapper connection dropped', { why: 'a second one' });
  expect(read()).toHaveLength(4);
});

test('lines that differ are written, but of one session only so many in ten seconds', () => {
  const { log, read } = kept();
  const [one, other] = [log.with({ session: 'one' }), log.with({ session: 'other' })];
  for (let n = 0; n < 50_000; n++) one.with({ epoch: 1 }).warn('odd request', { n });
  other.warn('its own');
  vi.advanceTimersByTime(10_000);
  one.warn('odd request', { n: -1 });
  const lines = read();
  expect(lines.length).toBeLessThan(110);
  expect(lines).toContainEqual(expect.objectContaining({ session: 'other', event: 'its own' }));
  expect(lines).toContainEqual(
    expect.objectContaining({ event: 'too many log lines', session: 'one', left_out: 49_900 }),
  );
  expect(lines.at(-1)).toMatchObject({ n: -1 });
});
