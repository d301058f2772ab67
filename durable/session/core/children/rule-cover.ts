import type { NetworkConfig } from '../../../../protocol/api/session-config.ts';

/** A rule of an allow-list (`egressRule`), taken apart. */
interface Pattern {
  readonly kind: 'any' | 'subdomains' | 'exact';
  readonly host: string;
  /** Null: every port. */
  readonly ports: readonly string[] | null;
}

function patternOf(rule: string): Pattern {
  const text = rule.toLowerCase();
  const [, name = text, port] = /^(\*|\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(text) ?? [];
  const ports = port === undefined ? ['80', '443'] : port === '*' ? null : [String(Number(port))];
  if (name === '*') return { kind: 'any', host: '*', ports };
  return name.startsWith('*.')
    ? { kind: 'subdomains', host: name.slice(2), ports }
    : { kind: 'exact', host: name, ports };
}

/** Whether a rule allows all that another one does. Both in the grammar of `egressRule`. */
export function covers(wide: string, narrow: string): boolean {
  const outer = patternOf(wide);
  const inner = patternOf(narrow);
  return coversHost(outer, inner) && coversPorts(outer.ports, inner.ports);
}

function coversHost(outer: Pattern, inner: Pattern): boolean {
  if (outer.kind === 'any') return true;
  if (inner.kind === 'any') return false;
  if (outer.kind === 'exact') return inner.kind === 'exact' && inner.host === outer.host;
  // An address is no name, so no name's subdomain; `*.b` allows what is below `b`, and `b` itself is not.
  const isName = inner.kind === 'subdomains' || /[a-z_]/.test(inner.host.split('.').at(-1) ?? '');
  if (!isName || inner.host.startsWith('[')) return false;
  const below = inner.host.endsWith(`.${outer.host}`);
  return inner.kind === 'subdomains' ? below || inner.host === outer.host : below;
}

function coversPorts(outer: Pattern['ports'], inner: Pattern['ports']): boolean {
  return outer === null || (inner !== null && inner.every((port) => outer.includes(port)));
}

/**
 * What of a child's network its parent does not have. What a preset means, and what a session without a network gets, is the runner's
 * operator's to say: so a preset is covered by itself alone, and nothing by a network that is not there.
 */
export function uncovered(
  parent: NetworkConfig | undefined,
  child: NetworkConfig,
): { readonly allow: string[]; readonly presets: string[] } {
  const rules = parent?.allow ?? [];
  const presets = parent?.presets ?? [];
  return {
    allow: child.allow.filter((rule) => !rules.some((one) => covers(one, rule))),
    presets: child.presets.filter((name) => !presets.includes(name)),
  };
}
