import { expect, it } from 'vitest';
import document from '../../../../docs/openapi.json';
import { PROBLEMS } from '../../../../protocol/api/problem.ts';
import { request } from '../../support/api.ts';

it('gives tools the document of the API as it is in the repository', async () => {
  const { status, headers, body } = await request('/openapi.json');
  expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: 'application/json' });
  expect(body).toEqual(document);
});

it('gives people a page whose parts all come from here, and which may call nothing else', async () => {
  const { body, headers } = await request('/docs');
  const loaded = [...(body as string).matchAll(/(?:src|href)="([^"#]*)"/g)].map(([, url = '']) => url);
  expect(loaded.filter((url) => !url.startsWith('/') && url !== 'data:,')).toEqual([]);
  expect(loaded.length).toBeGreaterThan(3);
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("connect-src 'self'");
  expect(policy).toContain("script-src 'self';");
  for (const url of loaded.filter((one) => one.startsWith('/docs/'))) {
    const part = await request(url);
    expect(part).toMatchObject({ status: 200, body: expect.stringMatching(/\S/) });
    expect(part.headers.get('content-type')).toMatch(url.includes('.css') ? /^text\/css/ : /^text\/javascript/);
  }
});

it('has an anchor for each code, to which the `type` of a problem leads', async () => {
  const { body } = await request('/docs');
  const missing = Object.keys(PROBLEMS).filter((code) => !(body as string).includes(`id="problem-${code}"`));
  expect(missing).toEqual([]);
  const refused = await request('/api/v1/sessions');
  expect(refused.body.type).toBe('/docs#problem-token_missing');
});
