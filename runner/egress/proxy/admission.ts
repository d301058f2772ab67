import { proxyFor, type UpstreamProxies } from '../../lib/upstream-proxy/proxies.ts';
import type { EgressTarget } from './interceptor.ts';
import { judgeAddresses, judgeTarget, type EgressPolicy } from '../policy/policy.ts';
import { meansContainer } from '../policy/own-host.ts';
import { printable, refusalText, type Refuser } from '../policy/refusal.ts';
import type { Resolver } from '../policy/resolve.ts';
import { formatTarget, type ParsedTarget } from '../policy/target.ts';

export type Admission =
  | { kind: 'admitted'; target: EgressTarget; rule: string }
  | { kind: 'refused'; host: string; port: number; why: string; text: string }
  /** The name is allowed, but it cannot be resolved. */
  | { kind: 'unresolved'; host: string; port: number; rule: string; why: string };

/** How the runner itself gets out, where it has to go through a proxy. */
export interface UpstreamRoute {
  proxies: UpstreamProxies;
  /** The proxy resolves names (`EGRESS_PROXY_NAMES`). False: it is told an address that was judged. */
  byName: boolean;
}

export interface AdmissionInput {
  policy: EgressPolicy;
  resolver: Resolver;
  own: () => ReadonlySet<string>;
  /** Of an `http://` URL, or of a tunnel. */
  scheme: 'http' | 'https';
  upstream: UpstreamRoute | undefined;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

/**
 * Decides on a client's target: parse it once, judge the name, resolve it once, judge the addresses. Where a proxy resolves
 * names, one that has no address here is left to it; one that has a private address here is refused all the same.
 *
 * @param written the target as the client wrote it
 * @param parsed the same target, parsed
 */
export async function admit(written: string, parsed: ParsedTarget, input: AdmissionInput): Promise<Admission> {
  const { policy, resolver, own, scheme, upstream, signal } = input;
  if (!parsed.ok) {
    const shown = printable(written);
    const text = `cc-docker: malformed target ${shown}: ${parsed.why}. Write a plain host name, a dotted IPv4 address or a bracketed IPv6 one.\n`;
    return { kind: 'refused', host: shown, port: 0, why: `malformed: ${parsed.why}`, text };
  }
  const { target } = parsed;
  const { host, port } = target;
  const refused = (why: string, by: Refuser): Admission => {
    return { kind: 'refused', host, port, why, text: refusalText(formatTarget(target), why, by, policy.session) };
  };
  const verdict = judgeTarget(policy, target);
  if (!verdict.ok) {
    const isOwn = verdict.by === 'session' && meansContainer(host);
    return isOwn ? refused('that is the container itself', 'container') : refused(verdict.why, verdict.by);
  }
  const resolved = await resolver.resolve(host, signal);
  const proxy = upstream && proxyFor(upstream.proxies, { scheme, host, port });
  const byName = proxy !== undefined && upstream?.byName === true;
  if (!resolved.ok && !byName) {
    const hint = proxy && `; EGRESS_PROXY_NAMES=true of the runner leaves that to the proxy of ${proxy.name}`;
    return { kind: 'unresolved', host, port, rule: verdict.rule, why: resolved.why + (hint ?? '') };
  }
  const addresses = resolved.ok ? resolved.addresses : [];
  const judged = judgeAddresses(policy, addresses, port, own());
  if (!judged.ok) return refused(judged.why, 'address');
  const [address = ''] = addresses;
  const authority = formatTarget({ host: byName ? host : address, port });
  const through = proxy && { proxy, authority, absolute: byName && scheme === 'http' };
  return {
    kind: 'admitted',
    target: { host, port, address, addresses, ...(through && { through }) },
    rule: verdict.rule,
  };
}
