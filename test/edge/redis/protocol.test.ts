import { env } from 'cloudflare:test';
import { Redis } from '@upstash/redis/cloudflare';
import { expect, test } from 'vitest';
import { sharedState } from '../../../functions/gate/shared-state.ts';
import { until } from '../../support/until.ts';
import { describeRedis } from './support/redis.ts';

/** The stand-in for Upstash: what its client and ours rely on, as its REST API has it. */

const name = () => crypto.randomUUID();

describeRedis('Upstash’s protocol, over a real Redis', ({ settings, redis }) => {
  const call = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = settings;
    const init = { method: 'POST', headers: { authorization: `Bearer ${token}`, ...headers } };
    const answer = await fetch(url + path, { ...init, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };

  test('strings come in base64 when that is asked for, save for OK', async () => {
    const key = name();
    const base64 = { 'upstash-encoding': 'base64' };
    expect(await call('/', ['SET', key, 'größer'])).toEqual({ status: 200, body: { result: 'OK' } });
    expect(await call('/', ['SET', key, 'größer'], base64)).toEqual({ status: 200, body: { result: 'OK' } });
    expect(await call('/', ['GET', key])).toEqual({ status: 200, body: { result: 'größer' } });
    expect(await call('/', ['GET', key], base64)).toEqual({ status: 200, body: { result: 'Z3LDtsOfZXI=' } });
    expect(await redis.get(key)).toBe('größer');
  });

  test('what Redis refuses is 400 with its error; in a pipeline the rest is done; a wrong token is 401', async () => {
    const key = name();
    await call('/', ['SET', key, 'text']);
    expect(await call('/', ['XADD', key, '*', 'a', 'b'])).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('WRONGTYPE') },
    });
    expect(
      await call('/pipeline', [
        ['INCR', key],
        ['STRLEN', key],
      ]),
    ).toMatchObject({
      status: 200,
      body: [{ error: expect.stringContaining('ERR') }, { result: 4 }],
    });
    expect(await call('/', ['PING'], { authorization: 'Bearer another' })).toMatchObject({
      status: 401,
      body: { error: expect.stringContaining('WRONGPASS') },
    });
  });

  test('a transaction is all or nothing', async () => {
    const key = name();
    expect(
      await call('/multi-exec', [
        ['INCR', key],
        ['INCRBY', key, 4],
      ]),
    ).toEqual({
      status: 200,
      body: [{ result: 1 }, { result: 5 }],
    });
    expect(
      await call('/multi-exec', [
        ['INCR', key],
        ['NOSUCH', key],
      ]),
    ).toMatchObject({ status: 400 });
    expect(await redis.get(key)).toBe('5');
  });

  test('a script is known by the client’s digest once it was evaluated, and unknown before', async () => {
    await redis.scriptFlush();
    const script = `#!lua flags=allow-key-locking\nreturn {KEYS[1], ARGV[1]}`;
    const digest = Array.from(new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(script))))
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    await expect(redis.evalsha(digest, ['k'], ['a'])).rejects.toThrow('NOSCRIPT');
    expect(await redis.eval(script, ['k'], ['a'])).toEqual(['k', 'a']);
    expect(await redis.evalsha(digest, ['k'], ['a'])).toEqual(['k', 'a']);
  });

  test('the limits work on when Redis has lost its scripts', async () => {
    const key = name();
    const { limits } = sharedState(env, settings);
    expect(await limits.take(key, 60, 2)).toMatchObject({ granted: 2 });
    await redis.scriptFlush();
    expect(await limits.take(key, 60, 2)).toMatchObject({ granted: 2 });
  });

  test('who subscribes to a channel gets what is published on it', async () => {
    const channel = name();
    const heard: string[] = [];
    const subscription = new Redis({
      url: settings.UPSTASH_REDIS_REST_URL,
      token: settings.UPSTASH_REDIS_REST_TOKEN,
      automaticDeserialization: false,
    }).subscribe<string>([channel]);
    subscription.on('message', ({ message }) => heard.push(message));
    await until(async () => expect(await redis.publish(channel, '{"a":"b,c"}')).toBe(1));
    await until(() => expect(heard).toEqual(['{"a":"b,c"}']));
    await subscription.unsubscribe();
  });
});
