import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { mint } from '../../support/api.ts';

const app = createApp();
const SETTINGS = {
  PUBLIC_URL: 'https://cc.example.org',
  ALLOWED_HOSTS: 'edge, cc.internal',
  CORS_ORIGINS: 'https://console.example.org,http://127.0.0.1:5173',
};

async function call(url: string, init: RequestInit = {}, settings: object = SETTINGS): Promise<Response> {
  const headers = new Headers(init.headers);
  if (init.method !== 'OPTIONS') headers.set('authorization', `Bearer ${await mint('alice')}`);
  return await app.request(url, { ...init, headers }, { ...env, ...settings });
}
const from = (origin: string) => ({ headers: { origin } });
const code = async (response: Response) => (await response.json<{ code: string }>()).code;

describe('the name by which the service is called', () => {
  it.each([
    'http://127.0.0.1:8000',
    'http://[::1]:8000',
    'http://10.1.2.3:8000',
    'http://localhost:8000',
    'http://cc.example.org',
    'http://CC.Internal:8000',
    'http://edge:8000',
    'https://any.example.com',
  ])('may be %s', async (origin) => {
    expect((await call(`${origin}/api/v1/sessions`)).status).toBe(200);
  });

  it.each([
    'http://rebound.example.com:8000',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://notlocalhost',
    'http://edge.example.com',
    'http://sub.cc.example.org',
  ])('may not be %s, whatever is called', async (origin) => {
    for (const path of [
      '/api/v1/sessions',
      '/health',
      '/docs',
      '/openapi.json',
      '/mcp',
      '/api/v1/runner/control',
      '/x',
    ]) {
      const response = await call(`${origin}${path}`);
      expect(response.status, path).toBe(421);
      expect(await code(response)).toBe('host_unknown');
    }
  });

  it('may without settings only be an address or localhost', async () => {
    expect((await call('http://127.0.0.1:8000/health', {}, {})).status).toBe(200);
    const response = await call('http://cc.example.org/health', {}, {});
    expect(await response.json()).toMatchObject({
      status: 421,
      detail: expect.stringMatching(/PUBLIC_URL.*ALLOWED_HOSTS/),
    });
  });
});

describe('pages', () => {
  it.each([
    ['the service’s own', 'http://127.0.0.1:8000'],
    ['the public origin', 'https://cc.example.org'],
    ['a site that is named', 'https://console.example.org'],
  ])('of %s may call', async (_, origin) => {
    expect((await call('http://127.0.0.1:8000/api/v1/sessions', from(origin))).status).toBe(200);
  });

  it.each([
    'https://evil.example.com',
    'http://console.example.org',
    'https://console.example.org:8443',
    'https://console.example.org.evil.example.com',
    'http://127.0.0.1:8001',
    'null',
  ])('of %s may not, whatever they call', async (origin) => {
    for (const path of ['/api/v1/sessions', '/health', '/mcp', '/openapi.json']) {
      const response = await call(`http://127.0.0.1:8000${path}`, from(origin));
      expect(response.status, path).toBe(403);
      expect(await code(response)).toBe('origin_refused');
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('of a site that is named read answers and refusals, and ask first', async () => {
    const origin = 'https://console.example.org';
    const answer = await call('http://127.0.0.1:8000/api/v1/sessions', from(origin));
    const refusal = await call('http://127.0.0.1:8000/api/v1/sessions/none', from(origin));
    for (const { headers } of [answer, refusal]) {
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toContain('Origin');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
    const asked = await call('http://127.0.0.1:8000/api/v1/sessions', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,idempotency-key',
      },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });

  it('of other sites that ask first are not allowed', async () => {
    const asked = await call('http://127.0.0.1:8000/api/v1/sessions', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example.com', 'access-control-request-method': 'POST' },
    });
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('every answer', () => {
  it.each(['/api/v1/sessions', '/api/v1/sessions/none', '/health', '/docs', '/openapi.json', '/nothing'])(
    'is not stored, framed or guessed at: %s',
    async (path) => {
      const { headers } = await call(`http://127.0.0.1:8000${path}`);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    },
  );
});

describe('addresses in answers', () => {
  it('name the public origin', async () => {
    const created = await call('http://127.0.0.1:8000/api/v1/sessions', { method: 'POST', body: '{}' });
    const { websocket_url } = await created.json<{ websocket_url: string }>();
    expect(websocket_url).toMatch(/^wss:\/\/cc\.example\.org\/api\/v1\/sessions\//);
  });
});

describe('settings that do not fit', () => {
  it.each([
    ['PUBLIC_URL', 'cc.example.org', 'origin'],
    ['PUBLIC_URL', 'https://cc.example.org/path', 'origin'],
    ['ALLOWED_HOSTS', 'edge:8000', 'without a port'],
    ['CORS_ORIGINS', '*', 'origins'],
    ['CORS_ORIGINS', 'https://a.example.org, b', '"b"'],
  ])('are named: %s=%s', async (name, value, said) => {
    const response = await call('http://127.0.0.1:8000/health', {}, { [name]: value });
    expect(await response.json()).toMatchObject({ code: 'not_configured', detail: expect.stringContaining(said) });
  });
});
