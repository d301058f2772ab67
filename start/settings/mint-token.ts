import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { signingKey } from '../../protocol/token-keys.ts';
import { TokenType } from '../../protocol/token.ts';
import type { Refused } from '../lib/refused.ts';
import type { Settings } from './settings.ts';

export interface TokenRequest {
  kind: 'user' | 'login' | 'runner' | 'service';
  /** For a user, and a code for a user's login: the owner of everything created with the token. For a runner, or an edge elsewhere (`service`): its name. */
  sub: string;
  ttlSeconds: number;
  /** Words of `SCOPES` with spaces between, as in OAuth. Absent: everything that `sub` may do, except `admin`. */
  scope?: string;
  /** The session that a user's token is bound to. */
  sid?: string;
  /** Who the commits of a user's sessions are by. */
  name?: string;
  email?: string;
  /** The pool of a runner. Absent: the default one. */
  pool?: string;
  /** What the service expects of a user's token: `JWT_ISSUER` and `JWT_AUDIENCE`. */
  iss?: string;
  aud?: string;
}

/** The kind of key for each: a runner's token is a code, with which it enrols once; a login's is exchanged for a token, once. */
const KEYS = { user: 'user', login: 'login-code', runner: 'runner-code', service: 'service' } as const;

/** Signs a JWT with HS256. */
export async function mintToken(
  secret: string,
  { kind, sub, ttlSeconds, pool, ...claims }: TokenRequest,
): Promise<string> {
  const keyKind = KEYS[kind];
  const key = await signingKey({ JWT_SECRET: secret }, keyKind);
  const ofRunner = kind === 'runner' && pool !== undefined && { pool };
  return await new SignJWT({ ...((kind === 'user' || kind === 'login') && claims), ...ofRunner, jti: randomUUID() })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType[keyKind] })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(`${ttlSeconds} s`)
    .sign(key);
}

/** The claims that a service with these settings expects of every user's token. */
export function expectedClaims({ edgeVars }: Pick<Settings, 'edgeVars'>): Pick<TokenRequest, 'iss' | 'aud'> {
  const { JWT_ISSUER: iss, JWT_AUDIENCE: aud } = edgeVars;
  return { ...(iss !== undefined && { iss }), ...(aud !== undefined && { aud }) };
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const MAX_SECONDS = 3650 * UNITS.d;

/** Parses `90s`, `30m`, `12h` or `7d` into seconds. */
export function parseDuration(text: string): { seconds: number } | Refused {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (isUnit(unit) ? UNITS[unit] : Number.NaN);
  if (seconds >= 1 && seconds <= MAX_SECONDS) return { seconds };
  return { refused: `--ttl must be a duration such as 90s, 30m, 12h or 7d, and not over 3650d` };
}

function isUnit(text: string | undefined): text is keyof typeof UNITS {
  return text !== undefined && Object.hasOwn(UNITS, text);
}
