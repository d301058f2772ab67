import { exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from 'jose';
import { fromBase64url, toBase64url } from '../shared/push/base64url.ts';

/** How long a token is good, milliseconds: RFC 8292 allows a day, and clocks differ. */
const TOKEN_MS = 12 * 3_600_000;
/** A token is used again while it is good for this long at least, milliseconds. */
const LEAST_MS = TOKEN_MS / 2;
/** Tokens that are kept. There are few push services. */
const MAX_TOKENS = 100;

interface Key {
  readonly signing: CryptoKey;
  /** A point that is not compressed, in base64url. */
  readonly publicKey: string;
}

/**
 * The key by which push services know this service (VAPID, RFC 8292). It is made once, and kept where every part of the service can
 * ask for signatures, and nobody for the key: a subscription of a browser is for this one key, so it has to live as long as the
 * subscriptions do, with the state that they are in. A setting would have to be made, kept secret and moved by hand.
 */
export class Vapid {
  readonly #sql: SqlStorage;
  #key: Promise<Key> | null = null;
  readonly #tokens = new Map<string, { readonly value: string; readonly until: number }>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS vapid (id INTEGER PRIMARY KEY CHECK (id = 1), jwk TEXT NOT NULL)');
  }

  async publicKey(): Promise<string> {
    return (await this.#ready()).publicKey;
  }

  /**
   * The header `Authorization` for a push service.
   *
   * @param audience its origin
   * @param subject whom its operator can reach: `mailto:` or `https:`; null: nobody
   */
  async authorization(audience: string, subject: string | null, now: number): Promise<string> {
    const name = JSON.stringify([audience, subject]);
    const known = this.#tokens.get(name);
    if (known !== undefined && known.until - now >= LEAST_MS) return known.value;
    const { signing, publicKey } = await this.#ready();
    const until = now + TOKEN_MS;
    const token = new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .setAudience(audience)
      .setExpirationTime(new Date(until));
    if (subject !== null) token.setSubject(subject);
    const value = `vapid t=${await token.sign(signing)}, k=${publicKey}`;
    this.#tokens.set(name, { value, until });
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > MAX_TOKENS && oldest !== undefined) this.#tokens.delete(oldest);
    return value;
  }

  async #ready(): Promise<Key> {
    this.#key ??= this.#load();
    try {
      return await this.#key;
    } catch (error) {
      this.#key = null;
      throw error;
    }
  }

  async #load(): Promise<Key> {
    const jwk = this.#stored() ?? (await this.#make());
    const signing = await importJWK(jwk, 'ES256');
    if (signing instanceof Uint8Array || jwk.x === undefined || jwk.y === undefined)
      throw new Error('what is stored is no key of P-256');
    const publicKey = toBase64url(Uint8Array.of(4, ...fromBase64url(jwk.x), ...fromBase64url(jwk.y)));
    return { signing, publicKey };
  }

  async #make(): Promise<JWK> {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(privateKey);
    this.#sql.exec('INSERT INTO vapid (id, jwk) VALUES (1, ?)', JSON.stringify(jwk));
    return jwk;
  }

  #stored(): JWK | null {
    const [row] = this.#sql.exec<{ jwk: string }>('SELECT jwk FROM vapid');
    return row === undefined ? null : (JSON.parse(row.jwk) as JWK);
  }
}
