import { createDecipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from 'node:crypto';

/** The end of a push subscription that a browser has: its keys, and how it decrypts what comes (RFC 8291, RFC 8188). */
export class Device {
  readonly #pair: ECDH = createECDH('prime256v1');
  readonly #auth: Buffer;

  /** @param keys absent: new ones */
  constructor(keys?: { readonly privateKey: Buffer; readonly auth: Buffer }) {
    if (keys === undefined) this.#pair.generateKeys();
    else this.#pair.setPrivateKey(keys.privateKey);
    this.#auth = keys?.auth ?? randomBytes(16);
  }

  /** As `PushSubscription.toJSON()` has them. */
  get keys(): { readonly p256dh: string; readonly auth: string } {
    return { p256dh: this.#pair.getPublicKey().toString('base64url'), auth: this.#auth.toString('base64url') };
  }

  /** @throws when it is not for this device, or not of one record of `aes128gcm` */
  decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const recordSize = body.readUInt32BE(16);
    const idLength = body.readUInt8(20);
    const sender = body.subarray(21, 21 + idLength);
    const record = body.subarray(21 + idLength);
    if (idLength !== 65) throw new Error(`the key id has ${idLength} bytes`);
    if (record.length > recordSize) throw new Error('there is more than one record');
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#pair.getPublicKey(), sender]);
    const input = Buffer.from(hkdfSync('sha256', this.#pair.computeSecret(sender), this.#auth, info, 32));
    const key = Buffer.from(hkdfSync('sha256', input, salt, 'Content-Encoding: aes128gcm\0', 16));
    const nonce = Buffer.from(hkdfSync('sha256', input, salt, 'Content-Encoding: nonce\0', 12));
    const decipher = createDecipheriv('aes-128-gcm', key, nonce);
    decipher.setAuthTag(record.subarray(-16));
    const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    if (padded[end] !== 2) throw new Error('the last record does not end with 2');
    return padded.subarray(0, end).toString();
  }
}
