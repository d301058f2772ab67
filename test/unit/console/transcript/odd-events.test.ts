import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionEvent } from '../../../../client/main.ts';
import { Transcript } from '../../../../console/transcript/transcript.ts';
import { ODD_DATA } from '../../../support/console/hostile/odd-events.ts';

/** Claude Code's types, whose `data` is as a container sends it, and some that nobody knows. Our own events are the edge's. */
const TYPES = [
  'assistant',
  'user',
  'result',
  'system',
  'rate_limit_event',
  'tool_progress',
  'stream_event',
  'control_request',
  '__proto__',
  'constructor',
  '<img src=x onerror=hit()>',
  '',
];

test('events of any shape are read without an error, and prototypes stay as they are', () => {
  let seq = 0;
  const event = fc
    .record({
      type: fc.constantFrom(...TYPES),
      data: fc.oneof(fc.constantFrom(...ODD_DATA), fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))),
    })
    .map((odd) => ({ ...odd, seq: ++seq, time: '2026-11-30T00:00:00.000Z' }) as unknown as SessionEvent);
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      const transcript = new Transcript();
      for (const one of events) transcript.add(one);
      expect(Array.isArray(transcript.items)).toBe(true);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    }),
  );
});

test.each(TYPES)('each odd shape of %j', (type) => {
  const transcript = new Transcript();
  for (const [index, data] of ODD_DATA.entries())
    transcript.add({ type, data, seq: index + 1, time: '2026-11-30T00:00:00.000Z' } as unknown as SessionEvent);
  expect(transcript.items.every((item) => typeof item.key === 'string')).toBe(true);
});
