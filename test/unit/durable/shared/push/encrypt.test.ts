import { describe, expect, it } from 'vitest';
import { fromBase64url, toBase64url } from '../../../../../durable/shared/push/base64url.ts';
import { encrypt, MAX_PUSH_BYTES, newMessageKeys } from '../../../../../durable/shared/push/encrypt.ts';
import { Device } from '../../../../support/push/device.ts';

/** RFC 8291, 5 and appendix A. */
const RFC = {
  text: 'When I grow up, I want to be a watermelon',
  receiver: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  sender: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
  senderPoint: 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8',
  salt: 'DGv6ra1nlYgDCS1FRnbzlw',
  body: 'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
};

async function keysOfRfc() {
  const point = fromBase64url(RFC.senderPoint);
  const [x, y] = [toBase64url(point.slice(1, 33)), toBase64url(point.slice(33))];
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  const jwk = { kty: 'EC', crv: 'P-256', x, y };
  const publicKey = await crypto.subtle.importKey('jwk', jwk, curve, true, []);
  const privateKey = await crypto.subtle.importKey('jwk', { ...jwk, d: RFC.sender }, curve, true, ['deriveBits']);
  return { pair: { publicKey, privateKey }, salt: fromBase64url(RFC.salt) };
}

describe('a push message', () => {
  it('is, with the keys of the example of RFC 8291, the one that is printed there', async () => {
    const body = await encrypt(RFC.text, { p256dh: RFC.p256dh, auth: RFC.auth }, await keysOfRfc());
    expect(toBase64url(body)).toBe(RFC.body);
  });

  it('is read by the device that it is for, whatever it says, and looks different each time', async () => {
    const device = new Device();
    for (const text of ['', 'hello', 'ö🎈\0\u0002', 'x'.repeat(MAX_PUSH_BYTES)]) {
      const one = await encrypt(text, device.keys, await newMessageKeys());
      expect(device.decrypt(Buffer.from(one))).toBe(text);
      expect(one.length).toBeLessThanOrEqual(4096);
      expect(one).not.toEqual(await encrypt(text, device.keys, await newMessageKeys()));
    }
  });

  it('is read by no other device', async () => {
    const body = Buffer.from(await encrypt('secret', new Device().keys, await newMessageKeys()));
    expect(() => new Device().decrypt(body)).toThrow(/unable to authenticate/);
  });

  it('is not made for a point that is not on the curve', async () => {
    const { auth } = new Device().keys;
    const p256dh = toBase64url(Uint8Array.of(4, ...new Uint8Array(64)));
    await expect(encrypt('', { p256dh, auth }, await newMessageKeys())).rejects.toThrow();
  });
});

describe('the stand-in device', () => {
  it('reads the example of RFC 8291', () => {
    const keys = { privateKey: Buffer.from(RFC.receiver, 'base64url'), auth: Buffer.from(RFC.auth, 'base64url') };
    const device = new Device(keys);
    expect(device.keys).toEqual({ p256dh: RFC.p256dh, auth: RFC.auth });
    expect(device.decrypt(Buffer.from(RFC.body, 'base64url'))).toBe(RFC.text);
  });
});
