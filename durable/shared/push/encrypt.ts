import type { CryptoKey } from 'jose';
import type { PushKeys } from '../../../protocol/api/push.ts';
import { fromBase64url } from './base64url.ts';

/** Encryption of push messages: RFC 8291, in the coding `aes128gcm` of RFC 8188, as one record. */

/** What is made anew for each message. */
export interface MessageKeys {
  /** A key pair of P-256 for ECDH, of which the public part can be exported. */
  readonly pair: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
  /** 16 random bytes. */
  readonly salt: Uint8Array<ArrayBuffer>;
}

const P256 = { name: 'ECDH', namedCurve: 'P-256' };
/** Longer than any message: a record that does not fill it is the last one. */
const RECORD_SIZE = 4096;
/** Marks the end of the last record's text (RFC 8188, 2). */
const LAST_RECORD = 2;

/** Most bytes of a message: all push services take 4096 bytes with header, mark and tag. */
export const MAX_PUSH_BYTES = 4096 - 86 - 1 - 16;

/** What is made anew for each message. */
export async function newMessageKeys(): Promise<MessageKeys> {
  const pair = await crypto.subtle.generateKey(P256, true, ['deriveBits']);
  if (!('privateKey' in pair)) throw new Error('a key pair was asked for');
  return { pair, salt: crypto.getRandomValues(new Uint8Array(16)) };
}

/**
 * The body of a push message.
 *
 * @param to the keys of the subscription
 * @throws when they are no keys, such as a point that is not on the curve
 */
export async function encrypt(
  text: string,
  to: PushKeys,
  { pair, salt }: MessageKeys,
): Promise<Uint8Array<ArrayBuffer>> {
  const theirs = fromBase64url(to.p256dh);
  const ours = await rawKey(pair.publicKey);
  const algorithm = { name: 'ECDH', public: await crypto.subtle.importKey('raw', theirs, P256, false, []) };
  const shared = new Uint8Array(await crypto.subtle.deriveBits(algorithm, pair.privateKey, 256));
  const input = await derive(fromBase64url(to.auth), shared, [bytes('WebPush: info\0'), theirs, ours], 32);
  const key = await derive(salt, input, [bytes('Content-Encoding: aes128gcm\0')], 16);
  const nonce = await derive(salt, input, [bytes('Content-Encoding: nonce\0')], 12);
  const cipher = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const record = joined([bytes(text), Uint8Array.of(LAST_RECORD)]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, cipher, record));
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, RECORD_SIZE);
  return joined([salt, size, Uint8Array.of(ours.length), ours, sealed]);
}

/** HKDF with SHA-256 (RFC 5869). @param length of what it gives, bytes */
async function derive(
  salt: Uint8Array<ArrayBuffer>,
  input: Uint8Array<ArrayBuffer>,
  info: readonly Uint8Array[],
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', input, 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info: joined(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}

/** A public key as a point that is not compressed: 65 bytes. */
async function rawKey(key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  const raw = await crypto.subtle.exportKey('raw', key);
  if (!(raw instanceof ArrayBuffer)) throw new Error('a key was exported as JSON');
  return new Uint8Array(raw);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const encoder = new TextEncoder();
const bytes = (text: string) => encoder.encode(text);
