import { describe, expect, it } from 'vitest';
import {
  answered,
  mayGoAt,
  NO_LIMITS,
  refusalOf,
  type RateLimits,
  sent,
} from '../../../../../../durable/discord/core/wire/rate-limit.ts';

const NOW = 1_000_000;
const post = (channel: string) => ({ method: 'POST', path: `/channels/${channel}/messages` });
const edit = (channel: string, message = '9') => ({
  method: 'PATCH',
  path: `/channels/${channel}/messages/${message}`,
});
const list = (after: number) => ({ method: 'GET', path: `/channels/1/messages?after=${after}` });
const webhook = (token: string) => ({ method: 'PATCH', path: `/webhooks/5/${token}/messages/@original` });

type Body = { retry_after?: number; global?: boolean } | null;
const answer = (status: number, headers: Record<string, string> = {}, body: Body = {}) => ({
  status,
  headers: new Headers(headers),
  body,
});
const left = (remaining: number, seconds: number, bucket = 'b') => ({
  'x-ratelimit-bucket': bucket,
  'x-ratelimit-remaining': String(remaining),
  'x-ratelimit-reset-after': String(seconds),
});

describe('a request', () => {
  it('may go at once as long as nothing is known', () => {
    expect(mayGoAt(NO_LIMITS, post('1'))).toBe(0);
  });

  it('may go while something is left, and then when the bucket is full again', () => {
    const limits = answered(NO_LIMITS, post('1'), answer(200, left(1, 2.5)), NOW);
    expect(mayGoAt(limits, post('1'))).toBe(0);
    expect(mayGoAt(answered(limits, post('1'), answer(200, left(0, 2.5)), NOW), post('1'))).toBe(NOW + 2500);
  });

  it('counts from when it goes, before its answer is there', () => {
    const limits = answered(NO_LIMITS, post('1'), answer(200, left(1, 2)), NOW);
    expect(mayGoAt(sent(limits, post('1')), post('1'))).toBe(NOW + 2000);
  });

  it('to another channel has its own', () => {
    const limits = answered(NO_LIMITS, post('1'), answer(200, left(0, 2)), NOW);
    expect(mayGoAt(limits, post('2'))).toBe(0);
  });

  it('by another route has its own, unless Discord says that they share a bucket', () => {
    const limits = answered(NO_LIMITS, post('1'), answer(200, left(0, 2)), NOW);
    expect(mayGoAt(limits, edit('1'))).toBe(0);
    const shared = answered(limits, edit('2'), answer(200, left(4, 2)), NOW);
    expect(mayGoAt(shared, edit('1'))).toBe(NOW + 2000);
  });

  it('to another message of the channel shares the channel’s', () => {
    const limits = answered(NO_LIMITS, edit('1', '8'), answer(200, left(0, 2)), NOW);
    expect(mayGoAt(limits, edit('1', '9'))).toBe(NOW + 2000);
  });

  it('counts to its route whatever its query is', () => {
    const limits = answered(NO_LIMITS, list(1), answer(200, left(0, 2)), NOW);
    expect(mayGoAt(limits, list(2))).toBe(NOW + 2000);
  });

  it('by an interaction’s token has that token’s', () => {
    const limits = answered(NO_LIMITS, webhook('one'), answer(200, left(0, 2)), NOW);
    expect(mayGoAt(limits, webhook('one'))).toBe(NOW + 2000);
    expect(mayGoAt(limits, webhook('two'))).toBe(0);
  });
});

describe('a 429', () => {
  it.each<[string, Record<string, string>, Body, number, string]>([
    ['by its header', { 'retry-after': '65', 'x-ratelimit-scope': 'user' }, {}, 65_000, 'user'],
    ['by its body where that says longer', { 'retry-after': '1' }, { retry_after: 1.25 }, 1250, 'user'],
    ['for an hour at most', { 'retry-after': '999999' }, {}, 3_600_000, 'user'],
    ['for a minute where it does not say', {}, {}, 60_000, 'user'],
    ['for a minute where it says nonsense', { 'retry-after': 'soon' }, {}, 60_000, 'user'],
    ['of a resource', { 'retry-after': '7', 'x-ratelimit-scope': 'shared' }, {}, 7000, 'shared'],
    ['of the whole bot by its scope', { 'retry-after': '7', 'x-ratelimit-scope': 'global' }, {}, 7000, 'global'],
    ['of the whole bot by its body', { 'retry-after': '7' }, { global: true }, 7000, 'global'],
    ['of Discord’s front, which says no JSON', { 'retry-after': '120' }, null, 120_000, 'edge'],
  ])('is over %s', (_what, headers, body, wait, scope) => {
    expect(refusalOf(answer(429, headers, body), NOW)).toEqual({ until: NOW + wait, scope });
  });

  it('holds back its own route and no other', () => {
    const limits = answered(NO_LIMITS, post('1'), answer(429, { 'retry-after': '5' }), NOW);
    expect(mayGoAt(limits, post('1'))).toBe(NOW + 5000);
    expect(mayGoAt(limits, edit('1'))).toBe(0);
  });

  it('of a resource holds longer than its bucket does', () => {
    const headers = { ...left(9, 1), 'retry-after': '60', 'x-ratelimit-scope': 'shared' };
    expect(mayGoAt(answered(NO_LIMITS, edit('1'), answer(429, headers), NOW), edit('1'))).toBe(NOW + 60_000);
  });

  it('of the whole bot holds back everything but interactions', () => {
    const limits = answered(NO_LIMITS, post('1'), answer(429, { 'retry-after': '5' }, { global: true }), NOW);
    expect(mayGoAt(limits, edit('2'))).toBe(NOW + 5000);
    expect(mayGoAt(limits, webhook('one'))).toBe(0);
  });

  it('of Discord’s front, which bans an address, holds back everything', () => {
    const limits = answered(NO_LIMITS, webhook('one'), answer(429, { 'retry-after': '5' }, null), NOW);
    expect(mayGoAt(limits, edit('2'))).toBe(NOW + 5000);
    expect(mayGoAt(limits, webhook('two'))).toBe(NOW + 5000);
  });
});

it('what is over is forgotten', () => {
  let limits: RateLimits = NO_LIMITS;
  for (let token = 0; token < 100; token += 1) {
    limits = answered(limits, webhook(`t${token}`), answer(200, left(4, 1)), NOW + token * 2000);
  }
  expect(Object.keys(limits.left)).toHaveLength(1);
  expect(Object.keys(limits.buckets)).toHaveLength(1);
});
