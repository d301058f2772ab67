import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import * as z from 'zod';

/**
 * `bounds-attack.ts ATTACK` reads where from the environment, does it until it is killed, and prints `begun` once it is under
 * way. What is refused is counted, and printed at the end (SIGTERM).
 */
const {
  URL: url,
  TOKEN: token,
  SESSIONS: list,
} = z.object({ URL: z.string(), TOKEN: z.string(), SESSIONS: z.string() }).parse(process.env);
const sessions = list.split(',');
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
const counts = new Map<string, number>();
const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
process.on('SIGTERM', () => {
  console.log(JSON.stringify(Object.fromEntries(counts)));
  process.exit(0);
});

async function openStream(n: number): Promise<void> {
  const session = sessions[n % sessions.length];
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/sessions/${session}/stream?after=0`, {
    headers,
  });
  socket.on('unexpected-response', (_, response) => {
    count(`${response.statusCode}`);
    response.resume();
  });
  socket.on('error', () => count('error'));
  socket.on('open', () => count('open'));
  await Promise.race([
    once(socket, 'open'),
    once(socket, 'unexpected-response'),
    once(socket, 'error'),
    once(socket, 'close'),
    delay(5000),
  ]).catch(() => null);
}

/** Opens as many streams as it can, and never reads them faster than it must. */
async function viewers(): Promise<void> {
  for (let n = 0; n < 3200; n += 16) await Promise.all(Array.from({ length: 16 }, (_, i) => openStream(n + i)));
  console.log('begun');
  for (;;) {
    await openStream(0);
    await delay(10);
  }
}

/** Sends messages of 1 MB, eight at a time. */
async function prompts(): Promise<void> {
  const body = JSON.stringify({ prompt: 'x'.repeat(1024 * 1024 - 100), stream: true });
  console.log('begun');
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      for (;;) {
        const response = await fetch(`${url}/api/v1/sessions/${sessions[i % sessions.length]}/chat`, {
          method: 'POST',
          headers,
          body,
        });
        count(String(response.status));
        await response.body?.cancel();
      }
    }),
  );
}

/** Keeps 500 requests open whose bodies never come whole. */
async function halfSent(): Promise<void> {
  const { hostname, port } = new globalThis.URL(url);
  const one = async () => {
    for (;;) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => count('error'));
      socket.write(
        `POST /api/v1/sessions HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"config":${' '.repeat(50_000)}`,
      );
      const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])]).catch(
        () => ['error'],
      );
      count(String(chunk).slice(9, 12));
      socket.destroy();
    }
  };
  setTimeout(() => console.log('begun'), 1000);
  await Promise.all(Array.from({ length: 500 }, one));
}

/** As many requests as it can make. */
async function requests(): Promise<void> {
  console.log('begun');
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (;;) {
        const response = await fetch(`${url}/api/v1/sessions/${sessions[0]}`, { headers });
        count(String(response.status));
        await response.body?.cancel();
      }
    }),
  );
}

const attacks: Record<string, () => Promise<void>> = { viewers, prompts, halfSent, requests };
const attack = attacks[process.argv[2] ?? ''];
if (attack === undefined) throw new Error(`usage: bounds-attack.ts ${Object.keys(attacks).join('|')}`);
await attack();
