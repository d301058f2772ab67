import path from 'node:path';
import { packageSources, type PackageSources } from '../egress/policy/package-sources.ts';
import type { Log } from '../lib/log.ts';
import { trustedAuthorities } from '../secrets/ca-bundle.ts';
import { loadSecrets } from '../secrets/load-secrets.ts';
import type { Settings } from './settings.ts';
import type { EgressSurroundings } from './container/session-egress.ts';

/** Reads what the operator has put into place for the way out; or one line that says what is wrong with it. */
export async function egressSurroundings(
  settings: Pick<Settings, 'egress' | 'egressCa' | 'dataFolder'>,
  env: Record<string, string | undefined>,
  log: Log,
): Promise<{ ok: true; surroundings: EgressSurroundings } | { ok: false; problem: string }> {
  const { egress, egressCa, dataFolder } = settings;
  const loaded = loadSecrets(env, path.join(dataFolder, 'secrets'));
  if (!loaded.ok) return loaded;
  const trust = trustedAuthorities(egressCa);
  if (!trust.ok) return trust;
  let packages: Promise<PackageSources> | undefined;
  const surroundings = {
    rules: egress,
    presets: egress.presets,
    packages: () => (packages ??= packageSources(log, env)),
    secrets: loaded.secrets,
    trusted: trust.trusted,
  };
  // Without a secret to put in on the way there is nothing to vouch for.
  if (![...loaded.secrets.values()].some(({ kind }) => kind === 'wire')) return { ok: true, surroundings };
  const { openCertificateAuthority } = await import('../secrets/certificate-authority.ts');
  const opened = await openCertificateAuthority(dataFolder);
  if (!opened.ok) return opened;
  return { ok: true, surroundings: { ...surroundings, authority: opened.authority } };
}
