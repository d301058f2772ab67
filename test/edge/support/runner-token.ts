import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { TokenType } from '../../../protocol/token.ts';
import { mint, request, type Answer, type TokenOptions } from './api.ts';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

export const newKey = () => generateKeyPair('Ed25519', { extractable: true });

/** A code for a runner, as `npm run token -- --kind runner` prints it. */
export const codeFor = (name: string, { claims, ...options }: TokenOptions = {}) =>
  mint(name, { typ: TokenType['runner-code'], claims: { jti: crypto.randomUUID(), ...claims }, ...options });

export async function enrol(code: string, { publicKey }: KeyPair): Promise<Answer> {
  const { kty, crv, x } = await exportJWK(publicKey);
  const body = JSON.stringify({ public_key: { kty, crv, x } });
  return request('/api/v1/runner/enrol', { method: 'POST', headers: { authorization: `Bearer ${code}` }, body });
}

export function signedBy(
  { privateKey }: KeyPair,
  name: string,
  { typ = TokenType.runner, expires = '5m', ...claims }: JWTPayload & { typ?: string; expires?: string } = {},
): Promise<string> {
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ }).setSubject(name).setIssuedAt();
  return token.setExpirationTime(expires).sign(privateKey);
}

const keys = new Map<string, KeyPair>();

/** A token of a runner that has enrolled, with the same key for the same name. */
export async function runnerToken(name: string): Promise<string> {
  const key = keys.get(name) ?? (await newKey());
  keys.set(name, key);
  // Whether the pool of the tests before knows it still, nobody need know.
  const { status } = await enrol(await codeFor(name), key);
  if (status !== 201) throw new Error(`"${name}" was not enrolled: ${status}`);
  return signedBy(key, name);
}
