import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeTarget, sessionPolicy, type EgressRules } from '../../../../../runner/egress/policy/policy.ts';
import { matches, parseRule } from '../../../../../runner/egress/policy/rule.ts';
import { parseTarget } from '../../../../../runner/egress/policy/target.ts';
import { rules } from '../../../../support/runner/egress-fixture.ts';

function target(text: string) {
  const parsed = parseTarget(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.target;
}

const operator: EgressRules = {
  ceiling: { allow: ['*:*'], presets: [] },
  fallback: { allow: [], presets: [] },
  private: [],
};
const presets = new Map([['mirror', rules('registry.example.test', 'files.example.test:8443')]]);

describe('a rule', () => {
  test.each([
    ['a.test', 'a.test:443', true],
    ['a.test', 'a.test:80', true],
    ['a.test', 'a.test:22', false],
    ['a.test', 'b.a.test:443', false],
    ['a.test', 'xa.test:443', false],
    ['A.Test', 'a.test.:443', true],
    ['*.a.test', 'b.a.test:443', true],
    ['*.a.test', 'c.b.a.test:443', true],
    ['*.a.test', 'a.test:443', false],
    ['*.a.test', 'xa.test:443', false],
    ['*.a.test', 'a.test.evil.test:443', false],
    ['a.test:22', 'a.test:22', true],
    ['a.test:22', 'a.test:443', false],
    ['a.test:*', 'a.test:1', true],
    ['*', 'anything.test:443', true],
    ['*', 'anything.test:22', false],
    ['*:*', '93.184.216.34:22', true],
    ['*', '93.184.216.34:443', true],
    ['93.184.216.34', '93.184.216.34:443', true],
    ['93.184.216.34', '93.184.216.35:443', false],
    ['93.184.216.34', '[::ffff:93.184.216.34]:443', false],
    ['[2606:2800:220:1:0::34]', '[2606:2800:220:1::34]:443', true],
  ])('%s allows %s: %s', (text, to, allowed) => {
    expect(rules(text).some((rule) => matches(rule, target(to)))).toBe(allowed);
  });

  test.each([
    '',
    '*.',
    '**',
    'a.*.test',
    '*a.test',
    '1.2.3',
    '0x7f.1',
    '*.1.2.3.4',
    '*.[::1]',
    'a.test:0',
    'a.test:65536',
    'a.test:',
    '[::zz]',
    '::1',
    'a b',
    'http://a.test',
    'a.test/',
  ])('%j is none', (text) => {
    expect(parseRule(text)).toBeUndefined();
  });
});

describe('a session’s policy', () => {
  test('without a config is the operator’s default, which is nowhere', () => {
    const none = sessionPolicy(undefined, operator, presets);
    expect(none).toMatchObject({ ok: true, policy: { session: [] } });
    const some = sessionPolicy(
      undefined,
      { ...operator, fallback: { allow: ['a.test'], presets: ['mirror'] } },
      presets,
    );
    expect(some).toMatchObject({ policy: { session: [{ text: 'a.test' }, { text: 'registry.example.test' }, {}] } });
  });

  test('with a list is that list, and an empty one is nothing', () => {
    const fallback = { allow: ['a.test'], presets: [] };
    expect(sessionPolicy({ allow: [], presets: [] }, { ...operator, fallback }, presets)).toMatchObject({
      policy: { session: [] },
    });
  });

  test('with a preset that the runner does not have is refused by name', () => {
    expect(sessionPolicy({ allow: [], presets: ['nope'] }, operator, presets)).toEqual({
      ok: false,
      reason: { code: 'preset_missing', detail: 'This runner has no preset "nope". It has: mirror.' },
    });
  });

  test('never exceeds the operator’s ceiling, whatever it lists', () => {
    const rule = fc.constantFrom(
      '*',
      '*:*',
      'a.test',
      '*.a.test',
      'a.test:22',
      'a.test:*',
      'b.test',
      '93.184.216.34:5432',
    );
    const to = fc.constantFrom(
      'a.test:443',
      'x.a.test:443',
      'a.test:22',
      'b.test:80',
      '93.184.216.34:5432',
      'c.test:1',
    );
    fc.assert(
      fc.property(fc.array(rule), fc.array(rule), to, (session, ceiling, where) => {
        const policy = { session: rules(...session), ceiling: rules(...ceiling), private: [] };
        const by = (list: string[]) => rules(...list).some((one) => matches(one, target(where)));
        expect(judgeTarget(policy, target(where)).ok).toBe(by(session) && by(ceiling));
      }),
    );
  });

  test('forwards the concrete hosts with a port of their own, as far as the operator allows', () => {
    const allow = [
      'db.test:5432',
      'db.test:5432',
      'web.test',
      'web.test:443',
      '*.x.test:22',
      'any.test:*',
      '10.0.0.1:22',
      'localhost:22',
      'session:22',
      'localhost.localdomain:22',
      'app.localhost:22',
      'no.test:6379',
    ];
    const ceiling = { allow: ['*.test:5432', 'db.test:5432', 'web.test', '*:22'], presets: [] };
    expect(sessionPolicy({ allow, presets: ['mirror'] }, { ...operator, ceiling }, presets)).toMatchObject({
      forwards: [{ host: 'db.test', port: 5432 }],
    });
    expect(sessionPolicy({ allow: [], presets: ['mirror'] }, operator, presets)).toMatchObject({
      forwards: [{ host: 'files.example.test', port: 8443 }],
    });
  });

  test('says which of its rules are none, and they allow nothing', () => {
    expect(sessionPolicy({ allow: ['1.2.3:80', 'a.test'], presets: [] }, operator, presets)).toMatchObject({
      policy: { session: [{ text: 'a.test' }] },
      unusable: ['1.2.3:80'],
    });
  });
});
