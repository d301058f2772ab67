import type { NetworkConfig } from '../../../../protocol/api/session/session-config.ts';
import { egressRuleParts, type EgressRuleParts } from '../../../../protocol/egress/egress-rule.ts';

/** Whether rule `wide` allows everything that rule `narrow` allows. Both are written as `egressRule` says. */
export function covers(wide: string, narrow: string): boolean {
  const outer = egressRuleParts(wide);
  const inner = egressRuleParts(narrow);
  if (outer === null || inner === null) return false;
  return coversHost(outer, inner) && coversPorts(outer.ports, inner.ports);
}

function coversHost(outer: EgressRuleParts, inner: EgressRuleParts): boolean {
  if (outer.kind === 'any') return true;
  if (inner.kind === 'any') return false;
  if (outer.kind === 'exact') return inner.kind === 'exact' && inner.host === outer.host;
  // `*.b` allows the subdomains of `b`, but not `b` itself, and no IP address: an address is no subdomain of a name.
  const isName = inner.kind === 'subdomains' || /[a-z_]/.test(inner.host.split('.').at(-1) ?? '');
  if (!isName || inner.host.startsWith('[')) return false;
  const below = inner.host.endsWith(`.${outer.host}`);
  return inner.kind === 'subdomains' ? below || inner.host === outer.host : below;
}

function coversPorts(outer: EgressRuleParts['ports'], inner: EgressRuleParts['ports']): boolean {
  return outer === null || (inner !== null && inner.every((port) => outer.includes(port)));
}

/**
 * The rules and presets of a child's network that its parent does not have. The runner's operator decides what a preset
 * allows and what a session without a network may reach. The edge knows neither. So only the same preset covers a
 * preset, and a parent without a network covers nothing.
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
