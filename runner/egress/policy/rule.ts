import { egressRuleParts, type EgressRuleParts } from '../../../protocol/egress/egress-rule.ts';
import { parseHost, type Target } from './target.ts';

/** One entry of an allow-list, whose `host` is in the form in which targets are. */
export interface Rule extends EgressRuleParts {
  /** The rule as written, in lower case. Shown to people. */
  readonly text: string;
}

/** @returns undefined: not a rule */
export function parseRule(written: string): Rule | undefined {
  const text = written.trim().toLowerCase();
  const parts = egressRuleParts(text);
  if (parts === null) return undefined;
  if (parts.ports?.some((one) => one < 1 || one > 65_535) === true) return undefined;
  if (parts.kind === 'any') return { text, ...parts };
  const parsed = parseHost(parts.host);
  if (!parsed.ok || (parts.kind === 'subdomains' && parsed.kind !== 'name')) return undefined;
  return { text, ...parts, host: parsed.host };
}

/** An address matches only its own rule, or `*`. A rule for a name never matches an address. */
export function matchesHost(rule: Rule, target: Pick<Target, 'kind' | 'host'>): boolean {
  if (rule.kind === 'any') return true;
  if (rule.kind === 'exact') return rule.host === target.host;
  return target.kind === 'name' && target.host.endsWith(`.${rule.host}`);
}

export function matches(rule: Rule, target: Target): boolean {
  return matchesHost(rule, target) && (rule.ports === null || rule.ports.includes(target.port));
}
