import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sent } from '../../support/discord/person.ts';
import { DiscordEdge, said } from '../../support/discord/discord-edge.ts';
import { until } from '../../support/until.ts';
import { atMost } from '../../support/patience.ts';

let scene: DiscordEdge;
beforeAll(async () => {
  scene = await DiscordEdge.start();
});
afterAll(async () => await scene.stop());

/** As `changes` say, signed by Discord. */
function signed(payload: object, timestamp = String(Math.floor(Date.now() / 1000))): Sent {
  const body = new TextEncoder().encode(JSON.stringify(payload));
  return { body, headers: scene.discord.signer.headers(timestamp, body) };
}

const status = async (sent: Sent) => (await scene.deliver(sent)).status;
const PING = { type: 1, id: '1', token: 'ping' };
const seconds = (from: number) => String(Math.floor(Date.now() / 1000) + from);

describe('what comes to the webhook', () => {
  test('Discord’s own check is answered', async () => {
    expect(await scene.person('discord').ping()).toEqual({ status: 200, body: { type: 1 } });
  });

  test('any bit of signature, timestamp or body that is another: 401, and nothing more is said', async () => {
    const real = signed({ ...PING, of: 'ö🎈' });
    expect(await status(real)).toBe(200);
    const changed: Sent[] = [];
    for (const name of ['x-signature-ed25519', 'x-signature-timestamp']) {
      const value = real.headers[name] ?? '';
      const bits = name.endsWith('ed25519') ? Array.from({ length: 512 }, (_, bit) => bit) : null;
      // Of the signature each bit that it is of; of the timestamp, each bit of its text that can be sent in a header.
      for (let at = 0; at < value.length; at += 1) {
        for (let bit = 0; bit < (bits === null ? 7 : 4); bit += 1) {
          const digit = value[at] ?? '';
          const other =
            bits === null
              ? String.fromCharCode(digit.charCodeAt(0) ^ (1 << bit))
              : (parseInt(digit, 16) ^ (1 << bit)).toString(16);
          if (!/^[\x21-\x7e]$/.test(other)) continue;
          const headers = { ...real.headers, [name]: value.slice(0, at) + other + value.slice(at + 1) };
          changed.push({ ...real, headers });
        }
      }
    }
    for (let bit = 0; bit < real.body.length * 8; bit += 1) {
      const body = Uint8Array.from(real.body);
      body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      changed.push({ ...real, body });
    }
    expect(changed.length).toBeGreaterThan(800);
    const answers = new Map<string, number>();
    for (let from = 0; from < changed.length; from += 20) {
      const some = await Promise.all(changed.slice(from, from + 20).map((one) => scene.deliver(one)));
      for (const { status: code, body } of some) {
        const answer = `${code} ${body.code} ${body.detail}`;
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
    }
    const refusal = '401 signature_invalid The request is not signed by Discord, or not just now.';
    expect([...answers]).toEqual([[refusal, changed.length]]);
  });

  test('without a signature, by another key, too old or from the future: 401', async () => {
    const { body, headers } = signed(PING);
    expect(await status({ body, headers: {} })).toBe(401);
    expect(await status({ body, headers: { ...headers, 'x-signature-timestamp': '' } })).toBe(401);
    const foreign = await DiscordEdge.start();
    try {
      expect((await foreign.deliver(signed(PING))).status).toBe(401);
    } finally {
      await foreign.stop();
    }
    for (const from of [-301, -3600, 302, 3600]) expect(await status(signed(PING, seconds(from)))).toBe(401);
    for (const from of [-290, 290]) expect(await status(signed(PING, seconds(from)))).toBe(200);
  });

  test('signed, and not as we know it, or for another application: refused', async () => {
    expect(await status(signed({ type: 99 }))).toBe(422);
    const ada = scene.person('ada');
    const reply = await ada.command(scene.channel, 'list');
    const payload: unknown = JSON.parse(new TextDecoder().decode(reply.sent.body));
    const other = signed({ ...Object(payload), application_id: '1' });
    expect(await status(other)).toBe(401);
  });

  test('a body that is larger than any interaction is refused, whatever it says its length is', async () => {
    const large = new Uint8Array(1024 * 1024 + 1);
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(large);
        controller.close();
      },
    });
    const { headers } = signed(PING);
    const url = `${scene.url}/discord/interactions`;
    const init = { method: 'POST', headers, body: stream, duplex: 'half' as const };
    expect((await fetch(url, init)).status).toBe(413);
  });

  test('an interaction that comes twice is done once, and told so', async () => {
    const ada = await scene.linked('ada', 'twice');
    const reply = await ada.command(scene.channel, 'start', { prompt: 'Once' });
    const again = await Promise.all([scene.deliver(reply.sent), scene.deliver(reply.sent)]);
    for (const { status: code, body } of again) {
      expect([code, body.type, body.data.content]).toEqual([200, 4, 'That was done already.']);
      expect(body.data.flags & 64).toBe(64);
    }
    await scene.answer(reply);
    const [id, ...more] = await scene.sessions('twice');
    expect(more).toEqual([]);
    const { body } = await scene.call('twice', 'GET', `/sessions/${id}/events`);
    expect(body.data.filter(({ type }: { type: string }) => type === 'message.queued')).toHaveLength(1);
    expect(scene.discord.world.threads().filter(({ name }) => name === 'Once')).toHaveLength(1);
  });

  test('one that comes several times at once is taken once, and not again by an edge that was restarted', async () => {
    const ada = await scene.linked('ada', 'at-once');
    const { sent } = await ada.command(scene.channel, 'list');
    const payload: unknown = JSON.parse(new TextDecoder().decode(sent.body));
    const another = signed({ ...Object(payload), id: scene.discord.world.snowflake() });
    const answers = await Promise.all([1, 2, 3].map(() => scene.deliver(another)));
    const types = answers.map(({ body }): number => body.type);
    expect(types.toSorted((one, other) => one - other)).toEqual([4, 4, 5]);
    await scene.end();
    await scene.begin();
    expect((await scene.deliver(another)).body.data.content).toBe('That was done already.');
  });
});

describe('who is who', () => {
  test('an account is somebody’s by a code that is good once', async () => {
    const ada = scene.person('ada');
    expect(said(await ada.command(scene.channel, 'list'))).toContain('/claude link');
    const { status: made, body } = await scene.call('alice', 'POST', '/discord/link');
    expect(made).toBe(201);
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.now() + 9 * 60_000);
    const wrong = await ada.command(scene.channel, 'link', { code: 'AAAAAAAAAAAAAAAA' });
    expect(said(wrong)).toContain('not good');
    expect(wrong.message()?.seenBy).toBe(ada.id);
    // As it was read out, or typed on a phone.
    expect(said(await ada.command(scene.channel, 'link', { code: ` ${body.code.toLowerCase()} ` }))).toContain('alice');
    expect((await scene.call('alice', 'GET', '/discord/link')).body).toEqual({ users: [ada.id] });
    const mallory = scene.person('mallory');
    expect(said(await mallory.command(scene.channel, 'link', { code: body.code }))).toContain('not good');
    expect(await scene.answer(await ada.command(scene.channel, 'list'))).toContain('no sessions');
    expect((await scene.call('alice', 'DELETE', '/discord/link')).status).toBe(204);
    expect(said(await ada.command(scene.channel, 'list'))).toContain('/claude link');
  });

  test('who asks for another code has lost the first', async () => {
    const first = (await scene.call('bob', 'POST', '/discord/link')).body.code;
    const second = (await scene.call('bob', 'POST', '/discord/link')).body.code;
    expect(said(await scene.person('b').command(scene.channel, 'link', { code: first }))).toContain('not good');
    expect(said(await scene.person('b').command(scene.channel, 'link', { code: second }))).toContain('bob');
  });

  test('where the operator has lists, only who is on them is let in, by name or by role', async () => {
    const listed = scene.person('listed');
    const other = await DiscordEdge.start({ DISCORD_ALLOWED_ROLES: '77' });
    try {
      const mallory = other.person('mallory', ['78']);
      const { body } = await other.call('mallory', 'POST', '/discord/link');
      for (const reply of [
        await mallory.command(other.channel, 'link', { code: body.code }),
        await mallory.command(other.channel, 'start', { prompt: 'Hi' }),
      ]) {
        expect(said(reply)).toContain('You may not use this bot');
        expect(reply.message()?.seenBy).toBe(mallory.id);
      }
      expect((await mallory.type(other.channel, 'status', 'session', '')).choices).toEqual([]);
      const ada = await other.linked('ada', 'alice', ['78', '77']);
      expect(await other.answer(await ada.command(other.channel, 'list'))).toContain('no sessions');
    } finally {
      await other.stop();
    }
    expect(said(await listed.command(scene.channel, 'list'))).toContain('/claude link');
  });
});

describe('without Discord', () => {
  test('each call says what is missing, and sessions work as ever', async () => {
    const plain = await DiscordEdge.start({}, false);
    try {
      const id = '019ac1de-0000-7000-8000-00000000000a';
      for (const [method, route, body] of [
        ['POST', '/discord/notify', { message: 'Hi' }],
        ['POST', '/discord/ask', { question: 'Hi?' }],
        ['POST', '/discord/ask', { nonsense: true }],
        ['GET', `/discord/asks/${id}`],
        ['POST', '/discord/link'],
        ['GET', '/discord/link'],
        ['DELETE', '/discord/link'],
      ] as const) {
        const refused = await plain.call('alice', method, route, body);
        expect(refused).toMatchObject({ status: 503, body: { code: 'discord_not_configured' } });
        expect(refused.body.detail).toContain('DISCORD_BOT_TOKEN');
      }
      const webhook = await plain.deliver(signed(PING));
      expect(webhook).toMatchObject({ status: 503, body: { code: 'discord_not_configured' } });
      const { status: made, body } = await plain.call('alice', 'POST', '/sessions', {});
      expect(made).toBe(201);
      const said = await plain.call('alice', 'POST', `/sessions/${body.session_id}/chat`, {
        prompt: 'Hi',
        stream: true,
      });
      expect(said.status).toBe(202);
      expect((await plain.call('alice', 'DELETE', `/sessions/${body.session_id}`)).status).toBe(204);
      expect(plain.discord.requests).toEqual([]);
    } finally {
      await plain.stop();
    }
  });

  test('a Discord that is away is felt by no session', async () => {
    const away = await DiscordEdge.start();
    try {
      const ada = await away.linked('ada', 'alice');
      away.discord.fault = 'hangs';
      const began = performance.now();
      const reply = await ada.command(away.channel, 'start', { prompt: 'Work' });
      expect(reply).toMatchObject({ fault: null });
      const [id] = await until(async () => {
        const found = await away.sessions('alice');
        expect(found).toHaveLength(1);
        return found;
      });
      expect(performance.now() - began).toBeLessThan(atMost(3));
      expect((await away.call('alice', 'POST', `/sessions/${id}/stop`)).status).toBe(200);
      expect((await away.call('alice', 'DELETE', `/sessions/${id}`)).status).toBe(204);
    } finally {
      await away.stop();
    }
  });
});
