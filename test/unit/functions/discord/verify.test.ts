import { describe, expect, it } from 'vitest';
import { MAX_SKEW_SECONDS, verifyDiscord } from '../../../../functions/discord/verify.ts';
import { Signer } from '../../../support/discord/signer.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const TIMESTAMP = String(NOW / 1000);
const BODY = new TextEncoder().encode('{"type":1,"token":"ö🎈"}');

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const signer = new Signer();
const signature = signer.sign(TIMESTAMP, BODY);

const check = async (
  changed: { signature?: string; timestamp?: string; body?: Uint8Array<ArrayBuffer>; key?: string; now?: number } = {},
) => {
  const headers = new Map([
    ['x-signature-ed25519', changed.signature ?? signature],
    ['x-signature-timestamp', changed.timestamp ?? TIMESTAMP],
  ]);
  const request = { headers: { get: (name: string) => headers.get(name) ?? null }, body: changed.body ?? BODY };
  return await verifyDiscord(request, changed.key ?? signer.publicKey, changed.now ?? NOW);
};

/** The bytes with each of their bits flipped, one at a time. */
function* flips(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}

/** How many of them were let in. */
async function countVerified(
  changes: Iterable<Parameters<typeof check>[0]>,
): Promise<{ tried: number; verified: number }> {
  const verdicts = await Promise.all([...changes].map(check));
  return { tried: verdicts.length, verified: verdicts.filter(({ verified }) => verified).length };
}

describe('a request that Discord signed', () => {
  it('is verified', async () => {
    expect(await check()).toEqual({ verified: true });
  });

  it('is not with any bit of the signature flipped', async () => {
    const changes = [...flips(Buffer.from(signature, 'hex'))].map((bytes) => ({ signature: hex(bytes) }));
    expect(await countVerified(changes)).toEqual({ tried: 512, verified: 0 });
  });

  it('is not with any bit of the signature’s header flipped: of its digits’ case neither', async () => {
    const changes = [...flips(Buffer.from(signature))].map((bytes) => ({
      signature: Buffer.from(bytes).toString('latin1'),
    }));
    expect(await countVerified(changes)).toEqual({ tried: 1024, verified: 0 });
  });

  it('is not with any bit of the timestamp flipped', async () => {
    const changes = [...flips(Buffer.from(TIMESTAMP))].map((bytes) => ({
      timestamp: Buffer.from(bytes).toString('latin1'),
    }));
    expect(await countVerified(changes)).toEqual({ tried: 80, verified: 0 });
  });

  it('is not with any bit of the body flipped', async () => {
    const changes = [...flips(BODY)].map((body) => ({ body }));
    expect(await countVerified(changes)).toEqual({ tried: BODY.length * 8, verified: 0 });
  });

  it('is not with the last digit of the timestamp moved into the body', async () => {
    const body = new TextEncoder().encode(TIMESTAMP.slice(-1) + new TextDecoder().decode(BODY));
    expect(await check({ timestamp: TIMESTAMP.slice(0, -1), body })).toEqual({ verified: false, fault: 'stale' });
  });

  it('is not by another application’s key', async () => {
    expect(await check({ key: new Signer().publicKey })).toEqual({ verified: false, fault: 'signature_invalid' });
  });

  it('is verified with an empty body', async () => {
    const body = new Uint8Array();
    expect(await check({ body, signature: signer.sign(TIMESTAMP, body) })).toEqual({ verified: true });
  });
});

describe('the timestamp', () => {
  it.each([-MAX_SKEW_SECONDS, MAX_SKEW_SECONDS])('may be %d seconds from our clock', async (seconds) => {
    expect(await check({ now: NOW + seconds * 1000 })).toEqual({ verified: true });
  });

  it.each([-MAX_SKEW_SECONDS - 1, MAX_SKEW_SECONDS + 1])('may not be %d seconds from it', async (seconds) => {
    expect(await check({ now: NOW + seconds * 1000 })).toEqual({ verified: false, fault: 'stale' });
  });

  it.each(['', ' ', '1e9', '0x65', '+1795348800', '01795348800', 'NaN', `${TIMESTAMP}.0`])(
    'is not %j',
    async (timestamp) => {
      const signed = signer.sign(timestamp, BODY);
      expect(await check({ timestamp, signature: signed })).toEqual({ verified: false, fault: 'header_malformed' });
    },
  );
});

it('a request without the headers is not verified', async () => {
  const request = { headers: { get: () => null }, body: BODY };
  expect(await verifyDiscord(request, signer.publicKey, NOW)).toEqual({ verified: false, fault: 'header_missing' });
});
