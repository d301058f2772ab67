import { expect, it } from 'vitest';
import { verifyDiscord } from '../../../functions/discord/verify.ts';

const hex = (bytes: ArrayBuffer) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

it('what Discord signed is verified in workerd, and nothing else', async () => {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('Ed25519 has a pair of keys');
  const exported = await crypto.subtle.exportKey('raw', pair.publicKey);
  if (!(exported instanceof ArrayBuffer)) throw new Error('a raw key is bytes');
  const now = Date.now();
  const timestamp = String(Math.floor(now / 1000));
  const body = Uint8Array.from(new TextEncoder().encode('{"type":1,"of":"ö🎈"}'));
  const message = Uint8Array.of(...new TextEncoder().encode(timestamp), ...body);
  const signature = hex(await crypto.subtle.sign('Ed25519', pair.privateKey, message));
  const headers = new Headers({ 'X-Signature-Ed25519': signature, 'X-Signature-Timestamp': timestamp });

  expect(await verifyDiscord({ headers, body }, hex(exported), now)).toEqual({ verified: true });
  const other = Uint8Array.from(new TextEncoder().encode('{"type":2,"of":"ö🎈"}'));
  expect(await verifyDiscord({ headers, body: other }, hex(exported), now)).toEqual({
    verified: false,
    fault: 'signature_invalid',
  });
});
