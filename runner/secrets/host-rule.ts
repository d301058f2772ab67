import net from 'node:net';
import * as z from 'zod';
import { egressRule } from '../../protocol/egress/egress-rule.ts';
import { matchesHost, parseRule, type Rule } from '../egress/policy/rule.ts';

/** A host to which a secret may be sent: a rule as in an allow-list, but not `*`. */
export const hostRule = egressRule.transform((text, context): Rule => {
  const rule = parseRule(text);
  if (rule !== undefined && rule.kind !== 'any') return rule;
  const message =
    rule === undefined
      ? 'must be a host such as api.example.com, *.example.org or git.example.com:8443'
      : 'must name a host: no secret is good for every host';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/**
 * Whether a rule covers a host and port.
 *
 * @param host canonical
 * @param standardPort the port of a rule that names none
 */
export function covers(rule: Rule, host: string, port: number, standardPort: 80 | 443): boolean {
  const ports = rule.explicitPort ? rule.ports : [standardPort];
  if (ports !== null && !ports.includes(port)) return false;
  return matchesHost(rule, { kind: KINDS[net.isIP(host)] ?? 'name', host });
}

const KINDS: Record<number, 'ipv4' | 'ipv6'> = { 4: 'ipv4', 6: 'ipv6' };
