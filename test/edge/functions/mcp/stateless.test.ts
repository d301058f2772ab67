import { describe, expect, it } from 'vitest';
import { mint } from '../../support/api.ts';
import { ORIGIN, post } from './support/mcp.ts';
import { stateless } from './support/stateless.ts';

const alice = async () => ({ authorization: `Bearer ${await mint('alice')}` });

/** A request of revision 2026-07-28. */
async function ask(
  method: string,
  params: object = {},
  more: { headers?: Record<string, string>; revision?: string } = {},
) {
  const name = 'name' in params ? String(params.name) : undefined;
  const { headers, _meta } = stateless(method, name, more.revision);
  const body = { jsonrpc: '2.0', id: 7, method, params: { ...params, _meta } };
  return await post(body, { ...headers, ...(await alice()), ...more.headers });
}

describe('/mcp at revision 2026-07-28', () => {
  it('says without a handshake which revisions it serves, and who it is', async () => {
    const { result } = await (await ask('server/discover')).json<{ result: object }>();
    expect(result).toMatchObject({
      supportedVersions: expect.arrayContaining(['2026-07-28']),
      capabilities: { tools: {} },
      instructions: expect.stringContaining('create_session'),
    });
  });

  it('lists the same tools as before, and says how long they may be kept', async () => {
    const { result } = await (await ask('tools/list')).json<{ result: { tools: object[] } }>();
    expect(result).toMatchObject({ resultType: 'complete', ttlMs: 600_000, cacheScope: 'public' });
    const before = await (await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, await alice())).text();
    expect(result.tools).toEqual(JSON.parse(/^data: (.*)$/m.exec(before)?.[1] ?? '').result.tools);
  });

  it('carries out a tool, with one answer', async () => {
    const response = await ask('tools/call', { name: 'list_sessions', arguments: {} });
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toMatchObject({ id: 7, result: { structuredContent: { sessions: [] } } });
    const refused = await ask('tools/call', { name: 'get_session', arguments: { session_id: crypto.randomUUID() } });
    expect(await refused.json()).toMatchObject({ result: { isError: true } });
  });

  it.each([
    ['a revision that there is not', { revision: '2099-01-01' }, 400, -32022, '2099-01-01'],
    [
      'headers that say another method than the body',
      { headers: { 'mcp-method': 'tools/call' } },
      400,
      -32020,
      'method',
    ],
  ])('refuses %s', async (_, more, status, code, said) => {
    const response = await ask('tools/list', {}, more);
    expect(response.status).toBe(status);
    const { error } = await response.json<{ error: { code: number } }>();
    expect(error.code).toBe(code);
    expect(JSON.stringify(error).toLowerCase()).toContain(said);
  });

  it('opens no stream for changes that never come', async () => {
    const response = await ask('subscriptions/listen', { notifications: { toolsListChanged: true } });
    expect(await response.json()).toMatchObject({ error: { code: -32603 } });
  });

  it('is for callers with a token, by a name of this service, and for no page of another site', async () => {
    const { headers, _meta } = stateless('tools/list');
    const body = { jsonrpc: '2.0', id: 7, method: 'tools/list', params: { _meta } };
    expect((await post(body, headers)).status).toBe(401);
    const page = await post(body, { ...headers, ...(await alice()), origin: 'https://evil.test' });
    expect(await page.json()).toMatchObject({ code: 'origin_refused' });
    const named = await post(body, { ...headers, ...(await alice()), host: 'evil.test' }, 'POST', 'http://evil.test');
    expect(await named.json()).toMatchObject({ code: 'host_unknown' });
    expect((await post(body, { ...headers, ...(await alice()), origin: ORIGIN })).status).toBe(200);
  });
});
