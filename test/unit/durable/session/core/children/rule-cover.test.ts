import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers, uncovered } from '../../../../../../durable/session/core/children/rule-cover.ts';
import { egressRule } from '../../../../../../protocol/egress/egress-rule.ts';
import { matches, parseRule } from '../../../../../../runner/egress/policy/rule.ts';
import { parseHost } from '../../../../../../runner/egress/policy/target.ts';
import { generatedRuns } from '../../../../../support/run/generated-runs.ts';

describe('a rule covers another', () => {
  test.each([
    ['*', 'example.com', true],
    ['*', '*', true],
    ['*', 'example.com:22', false],
    ['*:*', '10.0.0.1:22', true],
    ['example.com', 'EXAMPLE.com', true],
    ['example.com', 'example.com:443', true],
    ['example.com', 'example.com:8443', false],
    ['example.com:443', 'example.com', false],
    ['example.com', 'www.example.com', false],
    ['*.example.com', 'www.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', '*.b.example.com', true],
    ['*.example.com', '*.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'badexample.com', false],
    ['*.b.example.com', '*.example.com', false],
    ['example.com', '*', false],
    ['*.1', '10.0.0.1', false],
    ['[::1]', '[::1]', true],
    ['db.example.com:5432', 'db.example.com:05432', true],
  ])('%s covers %s: %s', (wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected);
  });

  test('only if whatever the narrow one lets through, the wide one lets through at the runner', () => {
    const label = fc.constantFrom('a', 'b', 'www', '1');
    const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
    const port = fc.constantFrom('', ':80', ':443', ':22', ':*');
    const pattern = fc.oneof(
      name,
      name.map((one) => `*.${one}`),
      fc.constant('*'),
      fc.constant('10.0.0.1'),
    );
    const rule = fc.tuple(pattern, port).map(([one, at]) => one + at);
    const host = fc.oneof(name, fc.constant('10.0.0.1'));
    fc.assert(
      fc.property(rule, rule, host, fc.constantFrom(80, 443, 22), (wide, narrow, where, at) => {
        const [outer, inner, parsed] = [parseRule(wide), parseRule(narrow), parseHost(where)];
        if (outer === undefined || inner === undefined || !parsed.ok || !covers(wide, narrow)) return;
        const target = { kind: parsed.kind, host: parsed.host, port: at };
        if (matches(inner, target)) expect(matches(outer, target)).toBe(true);
      }),
      // Few pairs of rules cover one another.
      { numRuns: generatedRuns(20_000) },
    );
  });

  test('every rule that a session may name covers itself', () => {
    for (const rule of ['a_b.example.org', '*:*', '[2001:db8::1]:443', '*.example.org:*']) {
      expect(egressRule.parse(rule)).toBe(rule);
      expect(covers(rule, rule)).toBe(true);
    }
  });
});

test('a preset is covered by itself alone, and nothing by a network that is not there', () => {
  const child = { allow: ['github.com'], presets: ['packages'] };
  expect(uncovered(undefined, child)).toEqual(child);
  expect(uncovered({ allow: ['*:*'], presets: [] }, child)).toEqual({ allow: [], presets: ['packages'] });
  expect(uncovered({ allow: [], presets: ['packages', 'github'] }, child)).toEqual({
    allow: ['github.com'],
    presets: [],
  });
  expect(uncovered(undefined, { allow: [], presets: [] })).toEqual({ allow: [], presets: [] });
});
