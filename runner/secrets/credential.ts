import { FORGE_FORMS, isApi, isForge } from './forge.ts';
import { covers } from './host-rule.ts';
import type { WireForm, WireSecret } from './secret.ts';

/** A secret as a request header. */
export interface Credential {
  /** The secret's name. */
  secret: string;
  header: string;
  /** The header's value in a request for this path. */
  value: (path: string) => string;
  /** Headers of the container's that the server would take before this one. */
  drops: readonly string[];
  /** Every form of the secret that a response may repeat. Each one is masked. */
  secretForms: readonly string[];
}

/** GitHub, GitLab and Bitbucket accept a token with this user name. Servers that check only the password accept any. */
const GIT_USERNAME = 'x-access-token';

/** Shorter strings occur by chance, and masking them would damage the response. */
const MIN_MASKED_LENGTH = 8;

/**
 * The credentials that requests to a host get: for each header, the first of the session's secrets that covers the host.
 *
 * @param secrets in the session's order
 * @param host canonical
 */
export function credentialsFor(
  secrets: readonly WireSecret[],
  host: string,
  port: number,
  protocol: 'http' | 'https',
): Credential[] {
  const byHeader = new Map<string, Credential>();
  for (const secret of secrets) {
    if (protocol === 'http' && !secret.http) continue;
    if (!secret.hosts.some((rule) => covers(rule, host, port, protocol === 'http' ? 80 : 443))) continue;
    const credential = makeCredential(secret, host);
    const key = credential.header.toLowerCase();
    if (!byHeader.has(key)) byHeader.set(key, credential);
  }
  return [...byHeader.values()];
}

function makeCredential(secret: WireSecret, host: string): Credential {
  const token = secret.reveal();
  const form = isForge(secret.as) ? FORGE_FORMS[secret.as] : undefined;
  const [header, value, ...encoded] = wire(secret.as, token);
  const secretForms = [token, ...encoded, encodeURIComponent(token)].filter((text) => text.length >= MIN_MASKED_LENGTH);
  return {
    secret: secret.name,
    header,
    value: (path) => (form !== undefined && isApi(host, path) ? `${form.scheme} ${token}` : value),
    drops: form?.drops ?? [],
    secretForms: [...new Set(secretForms)],
  };
}

/** The header, its value, and other encoded forms of the secret that the value contains. */
function wire(as: WireForm, value: string): [string, string, ...string[]] {
  if (as === 'bearer') return ['Authorization', `Bearer ${value}`];
  if (isForge(as)) return basic(FORGE_FORMS[as].username, value);
  if (as === 'git') return basic(GIT_USERNAME, value);
  if ('header' in as) return [as.header, value];
  return basic('basic' in as ? as.basic.username : as.git.username, value);
}

function basic(username: string, password: string): [string, string, string] {
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  return ['Authorization', `Basic ${pair}`, pair];
}
