import path from 'node:path';
import { packageSources, type PackageSources } from '../egress/presets/package-sources.ts';
import type { Log } from '../lib/log.ts';
import { trustedAuthorities } from '../secrets/ca-bundle.ts';
import { loadSecrets } from '../secrets/load-secrets.ts';
import type { Settings } from './settings.ts';
import type { EgressDependencies } from './container/session-egress.ts';

/** Reads the operator's rules, secrets and authorities for egress. `problem` is one line that says what is wrong with them. */
export async function loadEgressDependencies(
  settings: Pick<Settings, 'egress' | 'egressCa' | 'dataFolder' | 'proxies'>,
  env: Record<string, string | undefined>,
  log: Log,
): Promise<{ ok: true; dependencies: EgressDependencies } | { ok: false; problem: string }> {
  const { egress, egressCa, dataFolder, proxies } = settings;
  const loaded = loadSecrets(env, path.join(dataFolder, 'secrets'));
  if (!loaded.ok) return loaded;
  const trust = trustedAuthorities(egressCa);
  if (!trust.ok) return trust;
  let packages: Promise<PackageSources> | undefined;
  const dependencies = {
    rules: egress,
    presets: egress.presets,
    packages: () => (packages ??= packageSources(log, env)),
    secrets: loaded.secrets,
    trusted: trust.trusted,
    upstream: { proxies, byName: egress.proxyNames },
  };
  // Certificates are needed only where the proxy puts secrets into requests.
  if (![...loaded.secrets.values()].some(({ kind }) => kind === 'wire')) return { ok: true, dependencies };
  const { openCertificateAuthority } = await import('../secrets/certificate-authority.ts');
  const opened = await openCertificateAuthority(dataFolder);
  if (!opened.ok) return opened;
  return { ok: true, dependencies: { ...dependencies, authority: opened.authority } };
}
