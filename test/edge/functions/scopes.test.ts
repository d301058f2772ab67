import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { SCOPES } from '../../../protocol/token.ts';
import { FakeRunner } from '../support/runner.ts';
import { User } from '../support/api.ts';

const having = (user: User, scope: string) => user.withToken({ claims: { scope } });

const TICKETED = [
  'get /api/v1/sessions/{session_id}/events',
  'get /api/v1/sessions/{session_id}/stream',
  'get /api/v1/sessions/{session_id}/terminal',
  'get /api/v1/sessions/{session_id}/files/{path}',
  'get /api/v1/sessions/{session_id}/artifacts/{artifact_id}/content',
];

describe('a token’s scope', () => {
  it('limits its calls, and the refusal names what is missing', async () => {
    const alice = new User();
    const id = await alice.createSession();
    const reader = having(alice, 'sessions:read');
    expect((await reader.call('GET', `/sessions/${id}`)).status).toBe(200);
    expect(await reader.call('POST', `/sessions/${id}/chat`, { prompt: 'hi' })).toMatchObject({
      status: 403,
      body: { code: 'scope_missing', detail: expect.stringContaining('`sessions:write`') },
    });
    expect((await reader.call('GET', `/sessions/${id}/files/a`)).body.detail).toContain('`files:read`');
    expect((await having(alice, 'files:read').call('GET', `/sessions/${id}`)).status).toBe(403);
  });

  it('is looked at before the body', async () => {
    const reader = having(new User(), 'sessions:read');
    expect((await reader.call('POST', '/sessions', 'no JSON')).body.code).toBe('scope_missing');
  });

  it('may have words in any number and order', async () => {
    const alice = having(new User(), ' sessions:write   sessions:read ');
    const id = await alice.createSession();
    expect((await alice.call('GET', `/sessions/${id}`)).status).toBe(200);
  });

  it('may not have a word that there is not', async () => {
    const { status, body } = await having(new User(), 'sessions:read sessions:all').call('GET', '/sessions');
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'token_invalid', detail: expect.stringContaining('`sessions:all`') });
  });

  it('that is empty allows nothing', async () => {
    expect((await having(new User(), '').call('GET', '/sessions')).body.code).toBe('scope_missing');
  });

  it('limits what a WebSocket may send', async () => {
    const runner = await FakeRunner.connect();
    const alice = new User();
    const id = await alice.createSession();
    await runner.start(id);
    const viewer = await having(alice, 'sessions:read').open(id, '?after=0');
    const interaction_id = crypto.randomUUID();
    for (const [frame, scope] of [
      [{ type: 'prompt', prompt: 'hi' }, 'sessions:write'],
      [{ type: 'interrupt' }, 'sessions:write'],
      [{ type: 'resolve', interaction_id, decision: 'allow' }, 'interactions:answer'],
    ] as const) {
      viewer.send(frame);
      const refused = await viewer.next(({ type }) => type === 'error');
      expect(refused).toMatchObject({ code: 'scope_missing', detail: expect.stringContaining(`\`${scope}\``) });
    }
    viewer.send({ type: 'ping' });
    await viewer.next(({ type }) => type === 'pong');
    const writer = await having(alice, 'sessions:read sessions:write').open(id, '?after=0');
    writer.send({ type: 'prompt', prompt: 'hi' });
    await writer.next(({ type }) => type === 'accepted');
  });

  it('is in OpenAPI for every call but those without a token', async () => {
    const response = await createApp().request('/openapi.json', {}, env);
    const { paths } = await response.json<{
      paths: Record<string, Record<string, { security?: { bearer?: string[] }[] }>>;
    }>();
    const calls = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => ({ call: `${method} ${path}`, security })),
    );
    expect(calls.filter(({ security }) => security?.length === 0).map(({ call }) => call)).toEqual([
      'get /health',
      'get /ready',
      // Who is signed in to a browser says its cookie, which is not declared for each call.
      'get /api/v1/console/session',
      'delete /api/v1/console/session',
    ]);
    const named = calls.flatMap(({ security = [] }) => security.flatMap(({ bearer = [] }) => bearer));
    expect(SCOPES).toEqual(expect.arrayContaining(named));
    // A ticket stands in for a token, and never for all of them.
    const ticketed = calls.filter(({ security = [] }) => security.some((one) => 'ticket' in one));
    expect(ticketed.map(({ call }) => call)).toEqual(TICKETED);
  });
});
