import { describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../../../protocol/settings/limits.ts';
import { mint } from '../../support/api.ts';
import { ORIGIN, post } from './support/mcp.ts';

const initialize = (protocolVersion = '2025-11-25') => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '0' } },
});
const OF_2026 = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
const alice = async () => ({ authorization: `Bearer ${await mint('alice')}` });
const messages = async (response: Response) =>
  (await response.text()).split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));

describe('/mcp', () => {
  it.each([
    ['no token', async () => ({}), 'token_missing'],
    ['what is no token', async () => ({ authorization: 'Bearer x' }), 'token_invalid'],
    [
      'a runner’s token',
      async () => ({ authorization: `Bearer ${await mint('r', { typ: 'runner+jwt' })}` }),
      'token_invalid',
    ],
    [
      'a token that has expired',
      async () => ({ authorization: `Bearer ${await mint('a', { expires: '-31s' })}` }),
      'token_expired',
    ],
  ])('refuses %s as the API does', async (_, headers, code) => {
    const response = await post(initialize(), await headers());
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({ code });
  });

  it.each([
    ['https://evil.test', ORIGIN],
    ['http://localhost:9999', ORIGIN],
    ['null', ORIGIN],
  ])('refuses a page of %s, whatever its token', async (origin, server) => {
    const response = await post(initialize(), { ...(await alice()), origin }, 'POST', server);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'origin_refused' });
  });

  it.each([
    [ORIGIN, ORIGIN],
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000'],
    ['http://[::1]:8000', 'http://[::1]:8000'],
    ['https://cc.example.org', 'https://cc.example.org'],
  ])('takes a page of its own at %s', async (origin, server) => {
    expect((await post(initialize(), { ...(await alice()), origin }, 'POST', server)).status).toBe(200);
  });

  it.each(['GET', 'DELETE', 'PUT'])('answers %s with the one method that there is', async (method) => {
    const response = await post(undefined, await alice(), method);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
  });

  it('speaks the version that it is asked for, and its newest to who asks for another', async () => {
    for (const [asked, spoken] of [
      ['2025-06-18', '2025-06-18'],
      ['2025-03-26', '2025-03-26'],
      ['1999-01-01', '2025-11-25'],
    ]) {
      const [answer] = await messages(await post(initialize(asked), await alice()));
      expect(answer.result).toMatchObject({ protocolVersion: spoken, serverInfo: { name: 'cc-docker' } });
    }
  });

  it.each([
    ['an unknown version in the header', list, { 'mcp-protocol-version': '2024-01-01' }, 400, -32000, '2025-11-25'],
    ['a request without state that says nothing of itself', list, OF_2026, 400, -32602, '_meta'],
    ['what is not JSON', '{"jsonrpc":', {}, 400, -32700, 'JSON'],
    ['what is no message', { id: 1 }, {}, 400, -32600, 'JSON-RPC'],
    ['a batch with two beginnings', [initialize(), initialize()], {}, 400, -32600, 'initialization'],
    ['a body that is too long', { ...list, x: 'y'.repeat(MAX_BODY_BYTES) }, {}, 413, -32000, String(MAX_BODY_BYTES)],
    ['another type of body', list, { 'content-type': 'text/plain' }, 415, -32000, 'application/json'],
    ['who takes no stream', list, { accept: 'application/json' }, 406, -32000, 'text/event-stream'],
  ])('refuses %s', async (_, body, headers, status, code, said) => {
    const response = await post(body, { ...(await alice()), ...headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, message: expect.stringContaining(said) } });
  });

  it('takes a batch, as clients of 2025-03-26 send it, and notifications without an answer', async () => {
    const answers = await messages(await post([list, { ...list, id: 3, method: 'ping' }], await alice()));
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([2, 3]));
    const notified = await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, await alice());
    expect(notified.status).toBe(202);
  });

  it('answers what it does not know as JSON-RPC does', async () => {
    const [answer] = await messages(await post({ ...list, method: 'resources/list' }, await alice()));
    expect(answer).toMatchObject({ id: 2, error: { code: -32601 } });
  });
});
