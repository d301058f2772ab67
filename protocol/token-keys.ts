/** A kind of token that a key may sign. A key of one kind cannot sign a token of another. */
export type TokenKind =
  | 'user'
  | 'session'
  | 'runner-code'
  | 'login-code'
  | 'ticket'
  | 'answer'
  | 'browser'
  | 'oidc-begun'
  | 'service';

/** What a key is for. These sign no tokens: `owner-hash` makes owners' names unreadable in logs, `preview` the keys of previews. */
export type KeyKind = TokenKind | 'owner-hash' | 'preview';

const INFOS: Readonly<Partial<Record<KeyKind, string>>> = {
  'owner-hash': 'cc-docker owner hash',
  preview: 'cc-docker preview key',
};

/** The settings that keys are made of. */
export interface KeySettings {
  readonly JWT_SECRET: string;
  /** The secret before that: what it signed is still valid. */
  readonly JWT_SECRET_PREVIOUS?: string | undefined;
}

/** A `CryptoKey`, by whichever name the runtime's types know it. */
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const encoder = new TextEncoder();
/** The keys that were made, because each call needs one. Not the promises: on workerd one belongs to the request that made it. */
const made = new Map<string, Key>();

/** The key that signs tokens of a kind now. */
export function signingKey({ JWT_SECRET }: KeySettings, kind: KeyKind): Promise<Key> {
  return keyOf(JWT_SECRET, kind);
}

/** The keys whose tokens are valid, the present one first. */
export function verifyingKeys({ JWT_SECRET, JWT_SECRET_PREVIOUS }: KeySettings, kind: KeyKind): Promise<Key[]> {
  const secrets = JWT_SECRET_PREVIOUS === undefined ? [JWT_SECRET] : [JWT_SECRET, JWT_SECRET_PREVIOUS];
  return Promise.all(secrets.map((secret) => keyOf(secret, kind)));
}

async function keyOf(secret: string, kind: KeyKind): Promise<Key> {
  const name = `${kind} ${secret}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const bytes = encoder.encode(secret);
  // A user's token is signed with the secret itself, so that any library can make one.
  const raw = kind === 'user' ? bytes : await derived(bytes, kind);
  const key = await crypto.subtle.importKey('raw', raw, HMAC, false, ['sign', 'verify']);
  made.set(name, key);
  return key;
}

/** HKDF (RFC 5869) with the kind as its `info`: who has one of the keys knows nothing of the others. */
async function derived(secret: ReturnType<typeof encoder.encode>, kind: KeyKind): Promise<ArrayBuffer> {
  const material = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const info = encoder.encode(INFOS[kind] ?? `cc-docker ${kind} token`);
  return crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }, material, 256);
}
