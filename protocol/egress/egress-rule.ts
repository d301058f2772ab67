import * as z from 'zod';

/**
 * One rule of an allow-list: `host`, `*.host` (its subdomains), `*` (any), an IPv4 address or an `[IPv6]` address, each with
 * an optional `:port` or `:*`. Without a port, 80 and 443 are meant. With another port, tools that know no proxy (such as
 * database clients) can reach the host too, under its own name.
 */
export const egressRule = z
  .string()
  .max(300)
  .regex(
    /^(\*|(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?|\[[0-9a-f:.]+\])(:(\d{1,5}|\*))?$/i,
    'must be a rule such as github.com, *.example.org, db.example.com:5432 or *',
  );

/** A rule, taken apart. */
export interface EgressRuleParts {
  /** `subdomains`: any depth below `host`, but not `host` itself. */
  readonly kind: 'any' | 'subdomains' | 'exact';
  /** In lower case. */
  readonly host: string;
  /** Null: every port. */
  readonly ports: readonly number[] | null;
  /** The rule names a port, or `*` for the port. */
  readonly explicitPort: boolean;
}

/** Without a port, the ports of the web are meant. */
export const DEFAULT_PORTS: readonly number[] = [80, 443];

/** Takes a rule apart. What kinds of rules there are is said here alone. @returns null: it has not the form of a rule */
export function egressRuleParts(rule: string): EgressRuleParts | null {
  const [, pattern, port] = /^(\*|\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(rule.trim().toLowerCase()) ?? [];
  if (pattern === undefined) return null;
  const ports = port === undefined ? DEFAULT_PORTS : port === '*' ? null : [Number(port)];
  const rest = { ports, explicitPort: port !== undefined };
  if (pattern === '*') return { kind: 'any', host: '*', ...rest };
  const isBelow = pattern.startsWith('*.');
  return { kind: isBelow ? 'subdomains' : 'exact', host: isBelow ? pattern.slice(2) : pattern, ...rest };
}
