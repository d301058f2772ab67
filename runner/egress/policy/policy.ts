import type { Reason } from '../../../protocol/reason.ts';
import type { NetworkConfig } from '../../../protocol/api/session/session-config.ts';
import { judgeAddress, type PrivateGrant } from './address.ts';
import { meansContainer } from './own-host.ts';
import { DEFAULT_PORTS } from '../../../protocol/egress/egress-rule.ts';
import { matches, matchesHost, parseRule, type Rule } from './rule.ts';
import type { Target } from './target.ts';

/** Where one session's container may connect: what both its own rules and the operator's rules allow. */
export interface EgressPolicy {
  session: readonly Rule[];
  ceiling: readonly Rule[];
  private: readonly PrivateGrant[];
}

/** Rule lists by preset name. */
export type Presets = ReadonlyMap<string, readonly Rule[]>;

/** The operator's settings for every session: `EGRESS_*`. */
export interface EgressRules {
  /** The most that any session may reach. */
  ceiling: NetworkConfig;
  /** For a session whose config has no network section. */
  fallback: NetworkConfig;
  private: readonly PrivateGrant[];
}

/** A TCP service that tools in the container reach by its own name, without a proxy setting. */
export interface Forward {
  host: string;
  port: number;
}

export type SessionPolicy =
  | {
      ok: true;
      policy: EgressPolicy;
      forwards: Forward[];
      /** Entries of the session's list that are not valid rules (`1.2.3`, a port above 65535). They allow nothing. */
      unusable: string[];
    }
  | { ok: false; reason: Reason };

/** Makes a session's policy from its config and the operator's settings. @param network undefined: the operator's default */
export function sessionPolicy(network: NetworkConfig | undefined, rules: EgressRules, presets: Presets): SessionPolicy {
  const session = expand(network ?? rules.fallback, presets);
  if (session.missing.length > 0) return { ok: false, reason: presetMissing(session.missing, presets) };
  const ceiling = expand(rules.ceiling, presets);
  const policy = { session: session.rules, ceiling: ceiling.rules, private: rules.private };
  return { ok: true, policy, forwards: forwardsOf(policy), unusable: session.unusable };
}

export type RuleVerdict = { ok: true; rule: string } | { ok: false; by: 'session' | 'operator'; why: string };

/** Judges name and port only. `judgeAddresses` judges the addresses that the name resolves to. */
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

/** All of a name's addresses must pass, because any of them may be dialled. */
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

function forwardsOf(policy: EgressPolicy): Forward[] {
  const forwards = new Map<string, Forward>();
  for (const { kind, host, ports, explicitPort } of policy.session) {
    const [port] = ports ?? [];
    if (kind !== 'exact' || !explicitPort || port === undefined || DEFAULT_PORTS.includes(port)) continue;
    const target = { kind: hostKind(host), host, port };
    if (target.kind !== 'name' || meansContainer(host) || !judgeTarget(policy, target).ok) continue;
    forwards.set(`${host}:${port}`, { host, port });
  }
  return [...forwards.values()];
}

function hostKind(host: string): Target['kind'] {
  if (host.includes(':')) return 'ipv6';
  return /^[\d.]+$/.test(host) ? 'ipv4' : 'name';
}
