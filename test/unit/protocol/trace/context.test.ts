import { expect, test } from 'vitest';
import {
  isSampled,
  newSpanId,
  newTraceId,
  parseTraceparent,
  spanIdOf,
  traceIdOf,
  traceparentOf,
} from '../../../../protocol/trace/context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test('a traceparent is read as it was written', () => {
  const context = { trace_id: TRACE, span_id: SPAN, sampled: true };
  expect(parseTraceparent(traceparentOf(context))).toEqual(context);
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)).toEqual({ ...context, sampled: false });
  // A later version may say more.
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-03-more`)).toEqual(context);
});

test.each([
  undefined,
  '',
  TRACE,
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  ` 00-${TRACE}-${SPAN}-01`,
])('%j is no traceparent', (text) => {
  expect(parseTraceparent(text)).toBeNull();
});

test('ids have their form, and those of a UUID are always the same', () => {
  expect(newTraceId()).toMatch(/^[0-9a-f]{32}$/);
  expect(newSpanId()).toMatch(/^[0-9a-f]{16}$/);
  const uuid = '01939F5A-7c1e-7000-8000-1a2b3c4d5e6f';
  expect(traceIdOf(uuid)).toBe('01939f5a7c1e700080001a2b3c4d5e6f');
  expect(spanIdOf(uuid)).toBe('80001a2b3c4d5e6f');
});

test('as many traces are recorded as the ratio says', () => {
  const ids = Array.from({ length: 2000 }, newTraceId);
  const recorded = (ratio: number) => ids.filter((id) => isSampled(id, ratio)).length;
  expect([recorded(0), recorded(1)]).toEqual([0, 2000]);
  expect(recorded(0.5)).toBeGreaterThan(800);
  expect(recorded(0.5)).toBeLessThan(1200);
});
