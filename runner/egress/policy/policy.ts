import type { Reason } from '../../../protocol/reason.ts';
import type { NetworkConfig } from '../../../protocol/api/session-config.ts';
import { judgeAddress, type PrivateGrant } from './address.ts';
import { DEFAULT_PORTS, matches, matchesHost, parseRule, type Rule } from './rule.ts';
import type { Target } from './target.ts';

/** Where one session's container may go: what its rules and the operator's both allow. */
export interface EgressPolicy {
  session: readonly Rule[];
  ceiling: readonly Rule[];
  private: readonly PrivateGrant[];
}

/** Lists by name. */
export type Presets = ReadonlyMap<string, readonly Rule[]>;

/** What the operator says for every session: `EGRESS_*`. */
export interface EgressRules {
  /** What no session exceeds. */
  ceiling: NetworkConfig;
  /** For a session that says nothing. */
  fallback: NetworkConfig;
  private: readonly PrivateGrant[];
}

/** A TCP service that tools reach under its own name without knowing a proxy. */
export interface Forward {
  host: string;
  port: number;
}

export type SessionPolicy =
  | {
      ok: true;
      policy: EgressPolicy;
      forwards: Forward[];
      /** Of the session's list, what is no rule after all (`1.2.3`, a port beyond 65535): it allows nothing. */
      unusable: string[];
    }
  | { ok: false; reason: Reason };

/** A session's policy, from its config and the operator's settings. @param network absent: the operator's default */
export function sessionPolicy(network: NetworkConfig | undefined, rules: EgressRules, presets: Presets): SessionPolicy {
  const session = expand(network ?? rules.fallback, presets);
  if (session.missing.length > 0) return { ok: false, reason: presetMissing(session.missing, presets) };
  const ceiling = expand(rules.ceiling, presets);
  const policy = { session: session.rules, ceiling: ceiling.rules, private: rules.private };
  return { ok: true, policy, forwards: forwardsOf(policy), unusable: session.unusable };
}

export type RuleVerdict = { ok: true; rule: string } | { ok: false; by: 'session' | 'operator'; why: string };

/** By name and port alone; the addresses are `judgeAddresses`' to judge. */
export function judgeTarget(policy: EgressPolicy, target: Target): RuleVerdict {
  const rule = policy.session.find((one) => matches(one, target));
  if (rule === undefined) {
    const other = policy.session.find((one) => matchesHost(one, target));
    const why =
      other === undefined
        ? 'no rule of this session names it'
        : `the rule ${other.text} allows port ${(other.ports ?? []).join(' and ')} alone`;
    return { ok: false, by: 'session', why };
  }
  if (!policy.ceiling.some((one) => matches(one, target))) {
    return { ok: false, by: 'operator', why: 'the operator of this runner allows it to no session' };
  }
  return { ok: true, rule: rule.text };
}

/** All of a name's addresses must pass: which of them is dialled is not the policy's to know. */
export function judgeAddresses(
  policy: EgressPolicy,
  addresses: readonly string[],
  port: number,
  own: ReadonlySet<string>,
): { ok: true } | { ok: false; why: string } {
  for (const address of addresses) {
    const verdict = judgeAddress(address, port, policy.private, own);
    if (!verdict.ok) return verdict;
  }
  return { ok: true };
}

function expand(network: NetworkConfig, presets: Presets): { rules: Rule[]; missing: string[]; unusable: string[] } {
  const rules: Rule[] = [];
  const unusable: string[] = [];
  for (const text of network.allow) {
    const rule = parseRule(text);
    if (rule === undefined) unusable.push(text);
    else rules.push(rule);
  }
  const missing = network.presets.filter((name) => !presets.has(name));
  for (const name of network.presets) rules.push(...(presets.get(name) ?? []));
  return { rules, missing, unusable };
}

function presetMissing(names: readonly string[], presets: Presets): Reason {
  const known = [...presets.keys()].sort().join(', ') || 'none';
  const detail = names.includes('packages')
    ? 'This runner has no preset "packages", because none of its package managers is configured for a registry.'
    : `This runner has no preset ${names.map((name) => `"${name}"`).join(', ')}.`;
  return { code: 'preset_missing', detail: `${detail} It has: ${known}.` };
}

/** Means the own machine to every program, and must go on doing so in the container. */
const LOCAL = /(^|\.)localhost$/;

function forwardsOf(policy: EgressPolicy): Forward[] {
  const forwards = new Map<string, Forward>();
  for (const { kind, host, ports, explicitPort } of policy.session) {
    const [port] = ports ?? [];
    if (kind !== 'exact' || !explicitPort || port === undefined || DEFAULT_PORTS.includes(port)) continue;
    const target = { kind: hostKind(host), host, port };
    if (target.kind !== 'name' || LOCAL.test(host) || !judgeTarget(policy, target).ok) continue;
    forwards.set(`${host}:${port}`, { host, port });
  }
  return [...forwards.values()];
}

function hostKind(host: string): Target['kind'] {
  if (host.includes(':')) return 'ipv6';
  return /^[\d.]+$/.test(host) ? 'ipv4' : 'name';
}
