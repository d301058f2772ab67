import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { User } from '../support/api.ts';

/** What makes no room is refused while the disk is nearly full; what makes room, or only changes what is there, goes on. */
const NEW_WORK = [
  'POST /api/v1/discord/ask',
  'POST /api/v1/discord/notify',
  'POST /api/v1/sessions',
  'POST /api/v1/sessions/{session_id}/chat',
  'POST /api/v1/sessions/{session_id}/fork',
  'POST /api/v1/sessions/{session_id}/snapshots',
  'POST /api/v1/sessions/{session_id}/spawn',
  'PUT /api/v1/environments/{name}',
  'PUT /api/v1/sessions/{session_id}/files/{path}',
];

const app = createApp();
let alice: User;
let id: string;
let asked = 0;

function call(disk: { free_mb: number; low: boolean }, method: string, path: string, token: string) {
  const DISK = {
    fetch: async () => {
      asked += 1;
      return Response.json({ ...disk, floor_mb: 1024 });
    },
  };
  const headers = { authorization: `Bearer ${token}` };
  const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: '{}' } : {};
  return app.request(path, { method, headers, ...body }, { ...env, DISK });
}
const LOW = { free_mb: 7, low: true };

describe('while the disk is nearly full', () => {
  beforeAll(async () => {
    alice = new User();
    id = await alice.createSession();
  });

  it('new work is refused, with how much is free and when to come back, and all else goes on', async () => {
    const document = await (await app.request('/openapi.json', {}, env)).json<{ paths: Record<string, object> }>();
    const token = await alice.token;
    const refused: string[] = [];
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods).map((verb) => verb.toUpperCase())) {
        // It would end the session that the others name.
        if (method === 'DELETE' && path === '/api/v1/sessions/{session_id}') continue;
        const at = path.replaceAll('{session_id}', id).replaceAll(/\{\w+\}/g, crypto.randomUUID());
        const answer = await call(LOW, method, at, token);
        if (answer.status !== 507) continue;
        refused.push(`${method} ${path}`);
        expect(answer.headers.get('retry-after')).toBe('10');
        expect(await answer.json()).toMatchObject({ code: 'disk_low', detail: expect.stringMatching(/7 MB.*1024 MB/) });
      }
    }
    expect(refused.toSorted()).toEqual(NEW_WORK);
  });

  it('the health says so, and the disk is asked once a second at most', async () => {
    const before = asked;
    const started = Date.now();
    for (let n = 0; n < 20; n++) {
      const health = await (await call(LOW, 'GET', '/health', '')).json();
      expect(health).toMatchObject({ status: 'degraded', parts: { edge: { disk: { ...LOW, floor_mb: 1024 } } } });
    }
    expect(asked - before).toBeLessThanOrEqual(1 + (Date.now() - started) / 1000);
  });

  it('and when it has room again, work is taken', async () => {
    const token = await alice.token;
    const room = { free_mb: 5000, low: false };
    await expect.poll(async () => (await call(room, 'POST', '/api/v1/sessions', token)).status).toBe(201);
  });
});
