import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, MAX_RETRY_AFTER_MS, SCHEDULE_MS } from '../../../../../../durable/session/core/webhooks/delivery.ts';
import { MAX_DATA_UNITS, noticeJson, standardBody } from '../../../../../../durable/session/core/webhooks/payload.ts';
import type { PostOutcome } from '../../../../../../durable/shared/webhooks/post-types.ts';
import { signature, signingKey, signingSecret } from '../../../../../../durable/shared/webhooks/signing.ts';
import { targetRefusal } from '../../../../../../durable/shared/webhooks/target.ts';
import { generatedRuns } from '../../../../../support/run/generated-runs.ts';

const NOW = Date.parse('2026-11-01T12:00:00Z');
const answered = (status: number, retry_after: string | null = null): PostOutcome => ({ status, retry_after });
const keyOf = (secret: string) => {
  const key = signingKey(secret);
  if (key === null) throw new Error(`${secret} is a secret`);
  return key;
};

describe('a signature', () => {
  it('is the one of Standard Webhooks’ own example', () => {
    const key = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    expect(signature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('is of the body’s UTF-8', () => {
    const key = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const one = signature(key, 'a', 1, '"ö🎈"');
    expect(one).not.toBe(signature(key, 'a', 1, '"o🎈"'));
    expect(one).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
  });

  it('is what any HMAC-SHA256 gives, whatever the key, the id, the time and the body', () => {
    const time = fc.integer({ min: 0, max: 4_102_444_800 });
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(bytes, fc.string(), time, fc.string({ unit: 'binary' }), (key, id, at, body) => {
        const expected = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
        expect(signature(key, id, at, body)).toBe(`v1,${expected}`);
      }),
    );
  });

  it('is made with the very bytes that a minted secret is of', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, at) => at * 8);
    const secret = signingSecret(bytes);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(keyOf(secret)).toEqual(bytes);
  });

  it.each(['', 'whsec_', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_A', 'whsec_AAAAA', 'whsec_AA=A', 'whsec_a b='])(
    'is not made with %j, which is no secret',
    (secret) => {
      expect(signingKey(secret)).toBeNull();
    },
  );
});

describe('a delivery', () => {
  it.each([200, 201, 204, 299])('is delivered with %d', (status) => {
    expect(judge(answered(status), 1, NOW, 0)).toEqual({ is: 'delivered' });
  });

  it.each([100, 302, 304, 400, 401, 404, 413, 429, 500, 503])('is tried again after %d', (status) => {
    expect(judge(answered(status), 1, NOW, 0)).toMatchObject({ is: 'again', at: NOW + 5000 });
  });

  it('is tried for nearly a day, ever more seldom, and then given up', () => {
    const waits: number[] = [];
    for (let attempts = 1; ; attempts += 1) {
      const verdict = judge({ status: null, why: 'No answer.' }, attempts, NOW, 0);
      if (verdict.is !== 'again') {
        expect(verdict).toEqual({ is: 'given_up', detail: 'No answer.', all: false });
        break;
      }
      waits.push(verdict.at - NOW);
    }
    const [s, m, h] = [1000, 60_000, 3_600_000];
    expect(waits).toEqual([5 * s, 30 * s, 2 * m, 10 * m, 30 * m, h, 3 * h, 6 * h, 12 * h]);
  });

  it('is tried again up to a tenth sooner or later', () => {
    expect(judge(answered(500), 1, NOW, -1)).toMatchObject({ is: 'again', at: NOW + 4500 });
    expect(judge(answered(500), 1, NOW, 1)).toMatchObject({ is: 'again', at: NOW + 5500 });
  });

  it.each([429, 503])('waits for as long as %d asks, by seconds or by date', (status) => {
    expect(judge(answered(status, '90'), 1, NOW, 0)).toMatchObject({ is: 'again', at: NOW + 90_000 });
    const date = new Date(NOW + 90_000).toUTCString();
    expect(judge(answered(status, date), 1, NOW, 0)).toMatchObject({ is: 'again', at: NOW + 90_000 });
  });

  it('waits no longer than half a day, no shorter than it would, and for nothing that cannot be read', () => {
    expect(judge(answered(503, '99999999'), 1, NOW, 0)).toMatchObject({ is: 'again', at: NOW + MAX_RETRY_AFTER_MS });
    for (const short of ['1', '0', '-5', 'soon', '', new Date(NOW - 90_000).toUTCString()]) {
      expect(judge(answered(503, short), 1, NOW, 0)).toMatchObject({ is: 'again', at: NOW + 5000 });
    }
    expect(judge(answered(500, '90'), 1, NOW, 0)).toMatchObject({ is: 'again', at: NOW + 5000 });
    expect(judge(answered(503, '90'), SCHEDULE_MS.length + 1, NOW, 0)).toMatchObject({ is: 'given_up' });
  });

  it('is given up at once with 410, and what waits behind it as well', () => {
    expect(judge(answered(410), 1, NOW, 0)).toMatchObject({
      is: 'given_up',
      all: true,
      detail: expect.stringMatching(/410 Gone/),
    });
  });

  it('that was redirected says that this is not followed', () => {
    const last = judge(answered(302), SCHEDULE_MS.length + 1, NOW, 0);
    expect(last).toMatchObject({
      is: 'given_up',
      detail: expect.stringMatching(/answered 302: redirects are not followed/),
    });
  });
});

describe('what is posted', () => {
  it('is the event’s type, time and data', () => {
    expect(JSON.parse(standardBody('child.status', NOW, noticeJson({ status: 'idle' })))).toEqual({
      type: 'child.status',
      timestamp: '2026-11-01T12:00:00.000Z',
      data: { status: 'idle' },
    });
  });

  it('has a long result cut, whatever is in it, and says so', () => {
    const long = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 50 })
      .map((text) => text.repeat(200_000 / text.length));
    fc.assert(
      fc.property(long, (result) => {
        const json = noticeJson({ message_id: 'm', result });
        const data = JSON.parse(json);
        expect(json.length).toBeLessThanOrEqual(MAX_DATA_UNITS);
        expect(data).toMatchObject({ message_id: 'm', result_cut: true });
        expect(data.result.length).toBeGreaterThan(10_000);
        expect(data.result.isWellFormed()).toBe(true);
      }),
      // Each is a text of 200,000 characters.
      { numRuns: generatedRuns(30) },
    );
  });
});

describe('what is asked', () => {
  it('is left out when it is too long, and the post says so', () => {
    const subject = { kind: 'permission', tool_name: 'Write', input: { content: 'x'.repeat(200_000) } };
    const data = JSON.parse(noticeJson({ interaction_id: 'i', subject }));
    expect(data).toEqual({ interaction_id: 'i', subject: null, subject_cut: true });
  });
});

describe('a chat', () => {
  it.each([400, 401, 403, 404])('that answers %i is not asked the same again', (code) => {
    expect(judge(answered(code), 1, NOW, 0, 'chat')).toMatchObject({ is: 'given_up', all: false });
    expect(judge(answered(code), 1, NOW, 0)).toMatchObject({ is: 'again' });
  });

  it.each([408, 429, 500, 503])('that answers %i is asked again', (code) => {
    expect(judge(answered(code), 1, NOW, 0, 'chat')).toMatchObject({ is: 'again' });
  });
});

describe('a webhook’s URL', () => {
  const REFUSED = /is not a public address\..*WEBHOOK_ALLOW/;

  it.each([
    'https://example.com/hook',
    'http://example.com:8080/',
    'https://localhost.example.com/',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
  ])('%s is taken', (url) => {
    expect(targetRefusal(url, undefined, [])).toBeNull();
  });

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://127.0.0.1./',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://198.18.0.1/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:8.8.8.8]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://[fec0::1]/',
    'http://localhost/',
    'http://LOCALHOST.:8000/',
    'http://hook.localhost/',
  ])('%s is refused at once, with what would allow it', (url) => {
    expect(targetRefusal(url, undefined, [])).toMatch(REFUSED);
    expect(targetRefusal(url, undefined, ['public'])).toMatch(REFUSED);
  });

  it('is left to the network that dials where the operator allows anything that is not public', () => {
    expect(targetRefusal('http://127.0.0.1/', undefined, ['10.0.0.0/8'])).toBeNull();
  });

  it('with a password in it is refused: that would not be sent', () => {
    expect(targetRefusal('https://user:word@example.com/', undefined, [])).toMatch(/is not sent/);
  });

  it('comes with a secret that can be signed with, or none', () => {
    expect(targetRefusal('https://example.com/', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', [])).toBeNull();
    expect(targetRefusal('https://example.com/', 'whsec_AAAAA', [])).toMatch(/"whsec_" and base64/);
  });
});
