import { env } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { describeRedis } from './support/redis.ts';

const app = createApp();
const hex = (bytes: ArrayBuffer) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Discord, and an edge that knows its key. */
async function discord(bindings: object) {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('Ed25519 has a pair of keys');
  const exported = await crypto.subtle.exportKey('raw', pair.publicKey);
  if (!(exported instanceof ArrayBuffer)) throw new Error('a raw key is bytes');
  const settings = {
    ...env,
    DISCORD_APPLICATION_ID: '7',
    DISCORD_PUBLIC_KEY: hex(exported),
    DISCORD_BOT_TOKEN: 'secret',
    DISCORD_CHANNEL_ID: '8',
    ...bindings,
  };
  return {
    /** Signs it now. The answer of each call of `deliver` is that of the same request, byte by byte. */
    async sign(interaction: object) {
      const body = JSON.stringify({ application_id: '7', token: 'of the interaction', ...interaction });
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = await crypto.subtle.sign(
        'Ed25519',
        pair.privateKey,
        new TextEncoder().encode(timestamp + body),
      );
      const headers = { 'x-signature-ed25519': hex(signature), 'x-signature-timestamp': timestamp };
      return async function deliver() {
        const answer = await app.request('/api/v1/discord/interactions', { method: 'POST', headers, body }, settings);
        // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
        return { status: answer.status, headers: answer.headers, body: await answer.json<any>() };
      };
    },
  };
}

/** A desk that counts what it is asked to do. */
function countingDesk() {
  const asked: string[] = [];
  const interact = async ({ id }: { id: string }) => {
    asked.push(id);
    return { type: 4, data: { content: 'done' } };
  };
  return { asked, DISCORD: { idFromName: (name: string) => name, get: () => ({ interact }) } };
}

const newId = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);
const command = (id: string) => ({
  id,
  type: 2,
  member: { user: { id: '51', username: 'ada' }, roles: [] },
  data: { name: 'claude', options: [{ type: 1, name: 'list', options: [] }] },
});
const completion = (id: string) => ({ ...command(id), type: 4 });
const DONE = 'That was done already.';

describeRedis('Discord’s signed requests', ({ settings, redis, trouble }) => {
  test('one that is sent again does nothing twice, at whichever edge', async () => {
    const { asked, DISCORD } = countingDesk();
    const id = newId();
    const deliver = await (await discord({ DISCORD, ...settings })).sign(command(id));
    const answers = await Promise.all([deliver(), deliver(), deliver()]);
    const contents = answers.map(({ body }): string => body.data.content);
    expect(contents.toSorted()).toEqual([DONE, DONE, 'done']);
    expect(asked).toEqual([id]);
    // As long as its signature is good: five minutes before and after its time.
    expect(await redis.ttl(`cc-docker/seen/discord/${id}`)).toBeGreaterThan(590);
  });

  test.each(['slow', 'failing'] as const)(
    'while Redis is %s, none is taken, and Discord may come again',
    async (kind) => {
      const { asked, DISCORD } = countingDesk();
      const id = newId();
      const edge = await discord({ DISCORD, ...settings, REDIS_TIMEOUT_MS: '200' });
      await trouble(`discord/${id}`, kind, 300);
      const refused = await (await edge.sign(command(id)))();
      expect(refused).toMatchObject({ status: 503, body: { code: 'redis_unavailable' } });
      expect(refused.headers.get('retry-after')).toBe('1');
      // Completions change nothing, so nobody asks whether they are new.
      expect(await (await edge.sign(completion(id)))()).toMatchObject({ status: 200 });
      expect(asked).toEqual([id]);
    },
  );

  test('without Redis the desk knows what it has done', async () => {
    const none = { UPSTASH_REDIS_REST_URL: undefined, UPSTASH_REDIS_REST_TOKEN: undefined };
    const deliver = await (await discord(none)).sign(command(newId()));
    expect((await deliver()).body.data.content).not.toBe(DONE);
    expect((await deliver()).body.data.content).toBe(DONE);
  });
});
