import { generateKeyPairSync, sign } from 'node:crypto';

/** An application's key pair, with which Discord signs what it posts. */
export class Signer {
  /** `DISCORD_PUBLIC_KEY`. */
  readonly publicKey: string;
  readonly #privateKey;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.#privateKey = privateKey;
    this.publicKey = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
  }

  /** The two headers. `timestamp`: seconds, as text. */
  headers(timestamp: string, body: Uint8Array): Record<string, string> {
    return { 'x-signature-ed25519': this.sign(timestamp, body), 'x-signature-timestamp': timestamp };
  }

  sign(timestamp: string, body: Uint8Array): string {
    return sign(null, Buffer.concat([Buffer.from(timestamp), body]), this.#privateKey).toString('hex');
  }
}
