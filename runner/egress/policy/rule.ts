import { parseHost, type Target } from './target.ts';

/** One line of an allow-list. Its grammar for people is `egressRule` in protocol/api/session-config.ts. */
export interface Rule {
  /** As it was written, in lower case: what people are shown. */
  text: string;
  /** `subdomains`: any depth below `host`, never `host` itself. */
  kind: 'any' | 'subdomains' | 'exact';
  host: string;
  /** Undefined: every port. */
  ports: readonly number[] | undefined;
  /** The port was written out, or `*` was. */
  explicitPort: boolean;
}

export const DEFAULT_PORTS: readonly number[] = [80, 443];

/** @returns undefined for what is no rule */
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

/** An address matches only as itself, or `*`: no name's rule reaches it. */
export function matchesHost(rule: Rule, target: Pick<Target, 'kind' | 'host'>): boolean {
  if (rule.kind === 'any') return true;
  if (rule.kind === 'exact') return rule.host === target.host;
  return target.kind === 'name' && target.host.endsWith(`.${rule.host}`);
}

export function matches(rule: Rule, target: Target): boolean {
  return matchesHost(rule, target) && (rule.ports === undefined || rule.ports.includes(target.port));
}
