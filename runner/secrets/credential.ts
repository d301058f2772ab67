import { covers } from './host-rule.ts';
import type { WireForm, WireSecret } from './secret.ts';

/** A secret, ready for the wire. */
export interface Credential {
  /** The secret's name. */
  secret: string;
  header: string;
  value: string;
  /** What an answer must not hold. */
  telltales: readonly string[];
}

/** GitHub, GitLab and Bitbucket take a token under this name; a server that only looks at the password takes any. */
const GIT_USERNAME = 'x-access-token';

/** Shorter strings are found by chance, and masking them would spoil what they are found in. */
const MIN_TELLTALE = 8;

/**
 * What is put in on the way to a host: of the session's secrets that are good for it, the first for each header.
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
    const credential = makeCredential(secret);
    const key = credential.header.toLowerCase();
    if (!byHeader.has(key)) byHeader.set(key, credential);
  }
  return [...byHeader.values()];
}

function makeCredential(secret: WireSecret): Credential {
  const value = secret.reveal();
  const [header, onTheWire, ...encoded] = wire(secret.as, value);
  const telltales = [value, ...encoded, encodeURIComponent(value)].filter((text) => text.length >= MIN_TELLTALE);
  return { secret: secret.name, header, value: onTheWire, telltales: [...new Set(telltales)] };
}

/** Header, its value, and in what other form that shows the secret. */
function wire(as: WireForm, value: string): [string, string, ...string[]] {
  if (as === 'bearer') return ['Authorization', `Bearer ${value}`];
  if (as === 'git') return basic(GIT_USERNAME, value);
  if ('header' in as) return [as.header, value];
  return basic('basic' in as ? as.basic.username : as.git.username, value);
}

function basic(username: string, password: string): [string, string, string] {
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  return ['Authorization', `Basic ${pair}`, pair];
}
