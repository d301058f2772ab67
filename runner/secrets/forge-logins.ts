import { credentialsFor } from './credential.ts';
import { FORGE_HOSTS, type Forge } from './forge.ts';
import type { WireSecret } from './secret.ts';

/** Stands where a forge's command-line tool wants a token. The runner replaces the header that it is sent in. */
export const DUMMY_TOKEN = 'cc-docker-dummy';

/**
 * Variables that log the command-line tools of forges in: `gh`, `glab` and `tea` send nothing without a token. The tokens are
 * dummies. Only hosts that one of the secrets covers are named.
 */
export function forgeLogins(secrets: readonly WireSecret[]): Record<string, string> {
  const env: Record<string, string> = {};
  const [github, gitlab, gitea] = (['github', 'gitlab', 'gitea'] as const).map((kind) => ownHost(secrets, kind));
  const hasGithub = sendsAuthorization(secrets, 'api.github.com');
  if (hasGithub) env['GH_TOKEN'] = DUMMY_TOKEN;
  if (github !== undefined) {
    env['GH_ENTERPRISE_TOKEN'] = DUMMY_TOKEN;
    // `gh` asks github.com where it has no other host.
    if (!hasGithub) env['GH_HOST'] = github;
  }
  const hasGitlab = secrets.some(({ as }) => as === 'gitlab') && sendsAuthorization(secrets, 'gitlab.com');
  if (hasGitlab || gitlab !== undefined) env['GITLAB_TOKEN'] = DUMMY_TOKEN;
  if (gitlab !== undefined && !hasGitlab) env['GITLAB_HOST'] = gitlab;
  if (gitea !== undefined) {
    const url = `https://${gitea}`;
    Object.assign(env, { GITEA_TOKEN: DUMMY_TOKEN, GITEA_INSTANCE_URL: url });
    // For `tea login add`.
    Object.assign(env, { GITEA_SERVER_TOKEN: DUMMY_TOKEN, GITEA_SERVER_URL: url });
  }
  return env;
}

function sendsAuthorization(secrets: readonly WireSecret[], host: string): boolean {
  return credentialsFor(secrets, host, 443, 'https').some(({ header }) => header.toLowerCase() === 'authorization');
}

/** The first host of one's own among those of a forge's secrets, with its port if that is another one than 443. */
function ownHost(secrets: readonly WireSecret[], kind: Forge): string | undefined {
  const rules = secrets.filter(({ as }) => as === kind).flatMap(({ hosts }) => hosts);
  const own = rules.find(
    ({ kind: match, host }) => match === 'exact' && !FORGE_HOSTS[kind].includes(host) && !/^(api|uploads)\./.test(host),
  );
  if (own === undefined) return undefined;
  const port = own.explicitPort ? own.ports?.[0] : undefined;
  return port === undefined || port === 443 ? own.host : `${own.host}:${port}`;
}
