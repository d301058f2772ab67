import type { Reason } from '../../../protocol/reason.ts';
import type { SessionConfig } from '../../../protocol/api/session-config.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import { EgressNotices } from '../../egress/egress-notices.ts';
import { sessionPolicy, type EgressPolicy, type EgressRules, type Presets } from '../../egress/policy/policy.ts';
import type { PackageSources } from '../../egress/policy/package-sources.ts';
import { PACKAGES_PRESET, withPackages } from '../../egress/policy/presets.ts';
import { openEgressProxy } from '../../egress/proxy/proxy.ts';
import { addressForwards, type AddressedForward } from '../../egress/policy/forward-hosts.ts';
import type { Log } from '../../lib/log.ts';
import { caBundle, type TrustedAuthorities } from '../../secrets/ca-bundle.ts';
import type { CertificateAuthority } from '../../secrets/certificate-authority.ts';
import type { Secret, WireSecret } from '../../secrets/secret.ts';
import { sessionSecrets } from '../../secrets/session-secrets.ts';
import { createTlsInterceptor } from '../../secrets/intercept/tls-interceptor.ts';

/** What the operator has decided about where containers may go, and with whose secrets. */
export interface EgressSurroundings {
  rules: EgressRules;
  /** Of the operator's files. */
  presets: Presets;
  /** The preset `packages`, which takes a while to be found. */
  packages: () => Promise<PackageSources>;
  secrets: ReadonlyMap<string, Secret>;
  trusted: TrustedAuthorities;
  /** Vouches for the hosts of secrets; absent without any that goes on the wire. */
  authority?: CertificateAuthority;
}

/** One session's way out, as its config and the operator's settings have it. */
export interface WayOutPlan {
  policy: EgressPolicy;
  forwards: AddressedForward[];
  /** Has the container's package managers go to the runner's registries. */
  packageEnv: Record<string, string>;
  /** Put in on the way. */
  wire: WireSecret[];
  /** Inside the container, by the operator's leave: variables and values. */
  exposedEnv: Record<string, string>;
  exposedNames: string[];
}

/** What a session may have of it, or why it cannot be started. `sealed`: the container has no other way out. */
export async function planWayOut(
  config: Pick<SessionConfig, 'network' | 'secrets'>,
  surroundings: EgressSurroundings,
  sealed: boolean,
): Promise<{ ok: true; plan: WayOutPlan } | { ok: false; reason: Reason }> {
  const { rules, secrets } = surroundings;
  const asked = config.network ?? rules.fallback;
  const wanted = [asked, rules.ceiling].some(({ presets }) => presets.includes(PACKAGES_PRESET));
  // An operator's own list of that name stands.
  const packages =
    wanted && !surroundings.presets.has(PACKAGES_PRESET) ? await surroundings.packages() : { rules: [], env: {} };
  const network = sessionPolicy(config.network, rules, withPackages(surroundings.presets, packages.rules));
  if (!network.ok) return network;
  const own = sessionSecrets(config.secrets, secrets);
  if (!own.ok) return own;
  const [unusable] = own.wire;
  if (!sealed && unusable !== undefined) {
    const detail = `The runner puts the secret "${unusable.name}" in on the way, and its process backend has no such way: use the docker backend, or have the operator expose it.`;
    return { ok: false, reason: { code: 'secret_missing', detail } };
  }
  const { wire, exposedEnv, exposedNames } = own;
  const { policy } = network;
  const forwards = addressForwards(network.forwards);
  const packageEnv = asked.presets.includes(PACKAGES_PRESET) ? packages.env : {};
  return { ok: true, plan: { policy, forwards, packageEnv, wire, exposedEnv, exposedNames } };
}

/** The PEM file that tells a container's tools whom to trust: of the runner's own authority only where it is needed. */
export function containerAuthorities(plan: WayOutPlan, { trusted, authority }: EgressSurroundings): string {
  return caBundle(trusted, plan.wire.length === 0 ? '' : (authority?.certificate ?? ''));
}

/** Opens a session's proxy; what it decides is told as notices. @throws when its socket cannot be made */
export async function openWayOut(options: {
  plan: WayOutPlan;
  surroundings: EgressSurroundings;
  socketPath: string;
  tell: (notices: RunnerNotice[]) => void;
  log: Log;
}): Promise<{ close(): Promise<void> }> {
  const { plan, surroundings, socketPath, tell, log } = options;
  const { authority, trusted } = surroundings;
  const notices = new EgressNotices(tell);
  const interceptor =
    plan.wire.length > 0 && authority !== undefined
      ? createTlsInterceptor({ secrets: plan.wire, authority, trusted, log })
      : undefined;
  const proxy = await openEgressProxy({
    socketPath,
    policy: plan.policy,
    ...(interceptor && { interceptor }),
    onDecision: (decision) => notices.add(decision),
    log,
  });
  return {
    close: async () => {
      await proxy.close();
      notices.close();
    },
  };
}
