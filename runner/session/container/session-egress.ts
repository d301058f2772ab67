import type { Reason } from '../../../protocol/reason.ts';
import type { SessionConfig } from '../../../protocol/api/session/session-config.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import { EgressNotices } from '../../egress/egress-notices.ts';
import { sessionPolicy, type EgressPolicy, type EgressRules, type Presets } from '../../egress/policy/policy.ts';
import type { PackageSources } from '../../egress/presets/package-sources.ts';
import { PACKAGES_PRESET, withPackages } from '../../egress/presets/presets.ts';
import type { UpstreamRoute } from '../../egress/proxy/admission.ts';
import { openEgressProxy } from '../../egress/proxy/proxy.ts';
import { addressForwards, type AddressedForward } from '../../egress/policy/forward-hosts.ts';
import type { Decision } from '../../egress/policy/decision.ts';
import type { Log } from '../../lib/log.ts';
import { runnerMetrics } from '../../lib/metrics.ts';
import { caBundle, type TrustedAuthorities } from '../../secrets/ca-bundle.ts';
import type { CertificateAuthority } from '../../secrets/certificate-authority.ts';
import type { Secret, WireSecret } from '../../secrets/secret.ts';
import { forgeLogins } from '../../secrets/forge-logins.ts';
import { sessionSecrets } from '../../secrets/session-secrets.ts';
import { javaTrustStore } from '../../secrets/trust-store.ts';
import { createTlsInterceptor } from '../../secrets/intercept/tls-interceptor.ts';

/** The operator's decisions on egress: where containers may connect, and with which secrets. */
export interface EgressDependencies {
  rules: EgressRules;
  /** Presets from the operator's files. */
  presets: Presets;
  /** The preset `packages`. Finding it takes a while. */
  packages: () => Promise<PackageSources>;
  secrets: ReadonlyMap<string, Secret>;
  trusted: TrustedAuthorities;
  /** The proxies that the runner itself has to use; absent: none. */
  upstream?: UpstreamRoute;
  /** Signs certificates for the hosts of secrets. Absent when no secret goes on the wire. */
  authority?: CertificateAuthority;
}

/** One session's egress, from its config and the operator's settings. */
export interface EgressPlan {
  policy: EgressPolicy;
  forwards: AddressedForward[];
  /** Variables that make the container's package managers use the runner's registries. */
  packageEnv: Record<string, string>;
  /** Secrets that the proxy puts into requests. */
  wire: WireSecret[];
  /** Variables that log the tools of forges in, with dummies. */
  forgeEnv: Record<string, string>;
  /** Secrets that the operator exposes inside the container: variables and values. */
  exposedEnv: Record<string, string>;
  exposedNames: string[];
}

/** Plans a session's egress, or says why the session cannot start. `sealed`: the container has no other way out. */
export async function planEgress(
  config: Pick<SessionConfig, 'network' | 'secrets'>,
  dependencies: EgressDependencies,
  sealed: boolean,
): Promise<{ ok: true; plan: EgressPlan } | { ok: false; reason: Reason }> {
  const { rules, secrets } = dependencies;
  const requested = config.network ?? rules.fallback;
  const needsPackages = [requested, rules.ceiling].some(({ presets }) => presets.includes(PACKAGES_PRESET));
  // An operator's own preset of that name has precedence.
  const packages =
    needsPackages && !dependencies.presets.has(PACKAGES_PRESET)
      ? await dependencies.packages()
      : { rules: [], env: {} };
  const network = sessionPolicy(config.network, rules, withPackages(dependencies.presets, packages.rules));
  if (!network.ok) return network;
  const own = sessionSecrets(config.secrets, secrets);
  if (!own.ok) return own;
  const [unusable] = own.wire;
  if (!sealed && unusable !== undefined) {
    const detail = `The runner puts the secret "${unusable.name}" into requests on their way out, which its process backend cannot do: use the docker backend, or have the operator expose the secret.`;
    return { ok: false, reason: { code: 'secret_missing', detail } };
  }
  const { wire, exposedEnv, exposedNames } = own;
  const { policy } = network;
  const forwards = addressForwards(network.forwards);
  const packageEnv = requested.presets.includes(PACKAGES_PRESET) ? packages.env : {};
  return {
    ok: true,
    plan: { policy, forwards, packageEnv, wire, forgeEnv: forgeLogins(wire), exposedEnv, exposedNames },
  };
}

/** What a container's tools trust: as a PEM file, and as Java's trust store. */
interface ContainerAuthorities {
  pem: string;
  java: Buffer;
}

/** Made once for each of a runner's two sets, with and without its own authority: a trust store takes 10 ms. */
const made = new WeakMap<TrustedAuthorities, Map<string, ContainerAuthorities>>();

/** The authorities that a container's tools trust. @param trustsRunner the runner's own is among them: only where it is needed */
export function containerAuthorities(
  trustsRunner: boolean,
  { trusted, authority }: EgressDependencies,
): ContainerAuthorities {
  const own = trustsRunner ? (authority?.certificate ?? '') : '';
  const sets = made.get(trusted) ?? new Map<string, ContainerAuthorities>();
  made.set(trusted, sets);
  const known = sets.get(own);
  if (known !== undefined) return known;
  const pem = caBundle(trusted, own);
  const authorities = { pem, java: javaTrustStore(pem) };
  sets.set(own, authorities);
  return authorities;
}

function countDecision({ phase, verdict, bytesSent, bytesReceived }: Decision): void {
  if (phase === 'opened') runnerMetrics.count('cc_docker_runner_egress_requests_total', { outcome: verdict });
  const bytes = 'cc_docker_runner_egress_bytes_total';
  if (bytesSent > 0) runnerMetrics.count(bytes, { direction: 'sent' }, bytesSent);
  if (bytesReceived > 0) runnerMetrics.count(bytes, { direction: 'received' }, bytesReceived);
}

/** Opens a session's egress proxy. Its decisions are sent as notices. @throws when its socket cannot be opened */
export async function openSessionEgress(options: {
  plan: EgressPlan;
  dependencies: EgressDependencies;
  socketPath: string;
  notify: (notices: RunnerNotice[]) => void;
  log: Log;
}): Promise<{ close(): Promise<void> }> {
  const { plan, dependencies, socketPath, notify, log } = options;
  const { authority, trusted } = dependencies;
  const notices = new EgressNotices(notify);
  const interceptor =
    plan.wire.length > 0 && authority !== undefined
      ? createTlsInterceptor({ secrets: plan.wire, authority, trusted, log })
      : undefined;
  const proxy = await openEgressProxy({
    socketPath,
    policy: plan.policy,
    ...(interceptor && { interceptor }),
    ...(dependencies.upstream && { upstream: dependencies.upstream }),
    onDecision: (decision) => {
      countDecision(decision);
      notices.add(decision);
    },
    log,
  });
  return {
    close: async () => {
      await proxy.close();
      notices.close();
    },
  };
}
