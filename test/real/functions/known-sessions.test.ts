import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { v7 as uuidV7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { signingKey } from '../../../protocol/token-keys.ts';
import { TokenType } from '../../../protocol/token.ts';
import { WORKER_BUNDLE } from '../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../start/edge/edge.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { sharedScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/** workerd makes a file for each object that is called, and keeps it: nobody may have that done by naming ids. */

const SECRET = 'known to every test and of no use elsewhere';

let edge: Edge;
const folder = sharedScratch();
let stateFolder: string;
beforeAll(async () => {
  stateFolder = path.join(folder.path, 'edge');
  const vars = {
    JWT_SECRET: SECRET,
    RATE_LIMIT_PER_OWNER: '0',
    RATE_LIMIT_PER_ADDRESS: '0',
    FAILED_TOKENS_PER_ADDRESS: '0',
    TERMINAL: '1',
  };
  edge = await startEdge({ worker: WORKER_BUNDLE, host: '127.0.0.1', port: 0, stateFolder, vars });
});
afterAll(async () => {
  await edge.stop();
});

const user = (sub: string) => mintToken(SECRET, { kind: 'user', sub, ttlSeconds: 600 });

/** The databases of the edge's objects. */
async function files(): Promise<string[]> {
  const all = await readdir(stateFolder, { recursive: true });
  return all.filter((name) => name.endsWith('.sqlite')).toSorted();
}

async function call(method: string, url: string, token: string | null, body?: string): Promise<number> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(edge.url + url, { method, headers, ...(body === undefined ? {} : { body }) });
  await answer.arrayBuffer();
  return answer.status;
}

/** What the caller is shown of a session. */
async function view(id: string, token: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${edge.url}/api/v1/sessions/${id}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, text: await answer.text() };
}

/** The status with which a WebSocket is refused. */
async function dial(url: string, token: string | null): Promise<number> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(edge.url.replace('http', 'ws') + url, { headers });
  socket.on('error', () => undefined);
  const [, response] = await once(socket, 'unexpected-response');
  response.resume();
  return response.statusCode;
}

/** The owner of a session, and somebody else who has called before: each of them has a directory. */
async function people() {
  const [alice, bob] = [await user(randomUUID()), await user(randomUUID())];
  const made = await fetch(`${edge.url}/api/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${alice}` },
    body: '{}',
  });
  const { session_id } = (await made.json()) as { session_id: string };
  expect(await call('GET', '/api/v1/sessions', bob)).toBe(200);
  return { alice, bob, id: session_id };
}

const BODIES: Readonly<Record<string, string>> = {
  chat: '{"prompt":"hi"}',
  spawn: '{"prompt":"hi"}',
  resolve: '{"decision":"allow"}',
  ports: '{"port":3000}',
  '{session_id}': '{"title":"mine"}',
};

/** All calls of the API that name a session. */
async function routes(): Promise<{ readonly method: string; readonly path: string }[]> {
  const answer = await fetch(`${edge.url}/openapi.json`);
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([route, methods]) =>
    route.includes('{session_id}')
      ? Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: route }))
      : [],
  );
}

const fill = (route: string, sessionId: string) =>
  route
    .replace('{session_id}', sessionId)
    .replace('{path}', 'a.txt')
    .replace('{port}', '3000')
    .replaceAll(/\{\w+\}/g, () => randomUUID());

const bodyOf = (method: string, route: string) =>
  ['POST', 'PATCH', 'PUT'].includes(method) ? (BODIES[route.split('/').at(-1) ?? ''] ?? '{}') : undefined;

describe('an id that no session has leaves no file behind', () => {
  test('in 2,000 requests for it', async () => {
    const { alice, id } = await people();
    const before = await files();
    for (let n = 0; n < 2000; n += 100) {
      const asked = Array.from({ length: 100 }, (_, m) => (m % 2 === 0 ? randomUUID() : uuidV7()));
      const answers = await Promise.all(asked.map((unknown) => call('GET', `/api/v1/sessions/${unknown}`, alice)));
      expect(new Set(answers)).toEqual(new Set([404]));
    }
    expect(await call('GET', `/api/v1/sessions/${id}`, alice)).toBe(200);
    expect(await files()).toEqual(before);
  });

  test('by any call that names a session, whoever makes it, nor does another’s session get one more', async () => {
    const { alice, bob, id } = await people();
    const all = await routes();
    expect(all.length).toBeGreaterThan(30);
    const before = await files();
    for (const { method, path: route } of all) {
      for (const [token, name] of [
        [alice, randomUUID()],
        [bob, randomUUID()],
        [bob, id],
      ] as const) {
        const url = fill(route, name);
        const status = /\/(stream|terminal)$/.test(route)
          ? await dial(url, token)
          : await call(method, url, token, bodyOf(method, route));
        expect({ method, route, status }).toEqual({ method, route, status: 404 });
      }
    }
    expect(await files()).toEqual(before);
  });

  test('by a ticket, guessed or made by somebody else', async () => {
    const { id } = await people();
    const before = await files();
    const forged = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256', typ: TokenType.ticket })
      .setSubject(id)
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode('another secret, long enough for HS256'));
    for (const ticket of ['x', randomUUID(), forged]) {
      for (const name of [randomUUID(), id]) {
        const query = `?ticket=${ticket}`;
        expect(await dial(`/api/v1/sessions/${name}/stream${query}`, null)).toBe(401);
        for (const of of ['events', 'files/a.txt', `artifacts/${randomUUID()}`]) {
          expect(await call('GET', `/api/v1/sessions/${name}/${of}${query}`, null)).toBe(401);
        }
      }
    }
    expect(await files()).toEqual(before);
  });

  test('by a runner', async () => {
    const name = 'a-runner';
    const key = await generateKeyPair('Ed25519', { extractable: true });
    const { kty, crv, x } = await exportJWK(key.publicKey);
    const code = await mintToken(SECRET, { kind: 'runner', sub: name, ttlSeconds: 60 });
    expect(await call('POST', '/api/v1/runner/enrol', code, JSON.stringify({ public_key: { kty, crv, x } }))).toBe(201);
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'EdDSA', typ: TokenType.runner })
      .setSubject(name)
      .setExpirationTime('5m')
      .sign(key.privateKey);
    const before = await files();
    for (let n = 0; n < 10; n += 1) {
      const unknown = randomUUID();
      expect(await dial(`/api/v1/runner/sessions/${unknown}/transfers/${randomUUID()}`, token)).toBe(404);
      const ofSession = await new SignJWT({ epoch: 1 })
        .setProtectedHeader({ alg: 'HS256', typ: TokenType.session })
        .setSubject(unknown)
        .sign(await signingKey({ JWT_SECRET: SECRET }, 'session'));
      expect(await dial(`/api/v1/runner/sessions/${unknown}/data`, ofSession)).toBe(404);
    }
    expect(await files()).toEqual(before);
  });
});

describe('a view of a session that is ready for handlers is never an old one', () => {
  test('each change that was answered is in the next view, whoever asks meanwhile', async () => {
    const { alice, id } = await people();
    for (let n = 0; n < 50; n += 1) {
      const asked = Array.from({ length: 4 }, () => view(id, alice));
      expect(await call('PATCH', `/api/v1/sessions/${id}`, alice, JSON.stringify({ title: `title ${n}` }))).toBe(200);
      expect((await view(id, alice)).text).toContain(`"title":"title ${n}"`);
      await Promise.all(asked);
      expect((await view(id, alice)).text).toContain(`"title":"title ${n}"`);
    }
  });

  test('nobody but its owner is shown it, and nobody once it is deleted or their token is revoked', async () => {
    const { alice, bob, id } = await people();
    const sub = randomUUID();
    const admin = await mintToken(SECRET, { kind: 'user', sub, ttlSeconds: 600, scope: 'admin' });
    for (let n = 0; n < 3; n += 1) expect((await view(id, alice)).status).toBe(200);
    expect((await view(id, bob)).status).toBe(404);
    const revoked = await call('POST', '/api/v1/revocations', admin, JSON.stringify({ sub: decodeJwt(alice).sub }));
    expect(revoked).toBeLessThan(300);
    await until(async () => expect((await view(id, alice)).status).toBe(401));
    const carol = await user(randomUUID());
    const made = await fetch(`${edge.url}/api/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${carol}` },
      body: '{}',
    });
    const { session_id: other } = (await made.json()) as { session_id: string };
    for (let n = 0; n < 3; n += 1) expect((await view(other, carol)).status).toBe(200);
    expect(await call('DELETE', `/api/v1/sessions/${other}`, carol)).toBe(204);
    expect((await view(other, carol)).status).toBe(404);
  });
});
