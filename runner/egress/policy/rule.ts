import { parseHost, type Target } from './target.ts';

/** One entry of an allow-list. `egressRule` in protocol/api/session/session-config.ts describes its grammar. */
export interface Rule {
  /** The rule as written, in lower case. Shown to people. */
  text: string;
  /** `subdomains`: any depth below `host`, but not `host` itself. */
  kind: 'any' | 'subdomains' | 'exact';
  host: string;
  /** Undefined: every port. */
  ports: readonly number[] | undefined;
  /** The rule names a port, or `*` for the port. */
  explicitPort: boolean;
}

export const DEFAULT_PORTS: readonly number[] = [80, 443];

/** @returns undefined: not a rule */
export function parseRule(written: string): Rule | undefined {
  const text = written.trim().toLowerCase();
  const [, pattern, port] = /^(\*|\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(text) ?? [];
  if (pattern === undefined) return undefined;
  const ports = port === undefined ? DEFAULT_PORTS : port === '*' ? undefined : [Number(port)];
  if (ports?.some((one) => one < 1 || one > 65_535) === true) return undefined;
  const rest = { text, ports, explicitPort: port !== undefined };
  if (pattern === '*') return { ...rest, kind: 'any', host: '*' };
  const subdomains = pattern.startsWith('*.');
  const parsed = parseHost(subdomains ? pattern.slice(2) : pattern);
  if (!parsed.ok || (subdomains && parsed.kind !== 'name')) return undefined;
  return { ...rest, kind: subdomains ? 'subdomains' : 'exact', host: parsed.host };
}

/** An address matches only its own rule, or `*`. A rule for a name never matches an address. */
export function matchesHost(rule: Rule, target: Pick<Target, 'kind' | 'host'>): boolean {
  if (rule.kind === 'any') return true;
  if (rule.kind === 'exact') return rule.host === target.host;
  return target.kind === 'name' && target.host.endsWith(`.${rule.host}`);
}

export function matches(rule: Rule, target: Target): boolean {
  return matchesHost(rule, target) && (rule.ports === undefined || rule.ports.includes(target.port));
}
