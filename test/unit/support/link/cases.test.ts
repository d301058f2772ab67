import { expect, test } from 'vitest';
import { CASES, casesFor, endsThatCan, sideOf } from '../../../support/link/cases.ts';

test('each case of the link protocol has a name of its own, and an end that it holds for', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  for (const { name, except = {}, ...one } of CASES) {
    expect(endsThatCan({ name, ...one }).length, name).toBeGreaterThan(Object.keys(except).length);
  }
});

test('what a case says of single ends, it says of ends that could play it', () => {
  for (const one of CASES) {
    const able = endsThatCan(one);
    const except = Object.keys(one.except ?? {});
    expect(able, one.name).toEqual(expect.arrayContaining(except));
    const named = one.steps.flatMap((step) => ('for_good' in step ? Object.keys(step.for_good ?? {}) : []));
    expect(
      able.filter((end) => !except.includes(end)),
      one.name,
    ).toEqual(expect.arrayContaining(named));
  }
});

test('every end has cases in which the other side is wrong', () => {
  for (const end of ['wrapper', 'relay as container', 'relay as session', 'session'] as const) {
    const wrong = casesFor(end).filter(({ steps }) => steps.some((step) => 'wrong' in step && !(sideOf(end) in step)));
    expect(wrong.length, end).toBeGreaterThan(3);
  }
});
