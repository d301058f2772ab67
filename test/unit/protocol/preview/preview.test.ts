import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { previewLabelOf, previewPlace, previewUrl } from '../../../../protocol/preview/host.ts';
import { isPreviewKey, isSame, previewKey } from '../../../../protocol/preview/key.ts';
import { decodeLabel, encodeLabel, SECRET_BYTES } from '../../../../protocol/preview/label.ts';
import { webSettings } from '../../../../protocol/settings/web-settings.ts';

const settings = (more: Record<string, string> = {}) => webSettings.parse(more);
const secret = fc.uint8Array({ minLength: SECRET_BYTES, maxLength: SECRET_BYTES });

describe('the label of a preview', () => {
  it('says whose port it is and its secret, as a name that any host may have', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 65_535 }), secret, (session_id, port, bytes) => {
        const label = encodeLabel({ session_id, port, secret: bytes });
        expect(label).toMatch(/^[a-z2-7]{48}$/);
        expect(decodeLabel(label)).toEqual({ session_id, port, secret: bytes });
      }),
    );
  });

  it('is none when it has another length, other characters or the port 0', () => {
    const label = encodeLabel({
      session_id: '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f',
      port: 1,
      secret: new Uint8Array(12),
    });
    for (const other of ['', label.slice(1), `${label}a`, label.toUpperCase(), `1${label.slice(1)}`, `a.${label}`])
      expect(decodeLabel(other)).toBeNull();
    expect(decodeLabel('a'.repeat(48))).toBeNull();
  });
});

describe('a name of a host', () => {
  const LABEL = 'b'.repeat(48);
  it('below the domain of previews is a preview’s, and any other is the API’s', () => {
    expect(previewLabelOf(`${LABEL}.localhost`, settings())).toBe(LABEL);
    for (const api of [
      'localhost',
      '127.0.0.1',
      '[::1]',
      'example.org',
      `${LABEL}.localhost.example.org`,
      `${LABEL}.notlocalhost`,
    ])
      expect(previewLabelOf(api, settings())).toBeNull();
    const own = settings({ PREVIEW_DOMAIN: 'p.example.org', PUBLIC_URL: 'https://cc.example.org' });
    expect(previewLabelOf(`${LABEL}.p.example.org`, own)).toBe(LABEL);
    for (const api of ['p.example.org', 'cc.example.org', `${LABEL}.example.org`, 'localhost'])
      expect(previewLabelOf(api, own)).toBeNull();
  });

  it('that only looks like a preview’s is nobody’s: two labels, a dot at the end, the domain of this machine', () => {
    expect(previewLabelOf(`x.${LABEL}.localhost`, settings())).toBe(`x.${LABEL}`);
    expect(previewLabelOf(`${LABEL}.localhost.`, settings())).toBe('');
    expect(previewLabelOf(`${LABEL}.localhost..`, settings())).toBe('');
    const own = settings({ PREVIEW_DOMAIN: 'p.example.org' });
    expect(previewLabelOf(`${LABEL}.localhost`, own)).toBe('');
    expect(previewLabelOf(`${LABEL}.p.example.org.`, own)).toBe('');
  });

  it('that the operator has given the API stays the API’s', () => {
    const named = settings({ ALLOWED_HOSTS: 'app.localhost', PUBLIC_URL: 'http://cc.localhost:8000' });
    expect(previewLabelOf('app.localhost', named)).toBeNull();
    expect(previewLabelOf('cc.localhost', named)).toBeNull();
    expect(previewLabelOf('others.localhost', named)).toBe('others');
  });
});

const urlAt = (origin: string | null, more: Record<string, string> = {}) => {
  const place = previewPlace(settings(more), origin);
  return place === null ? null : previewUrl(place, 'label', 'key');
};

describe('where previews are', () => {
  it('is below localhost for who reached this machine as such, with the port', () => {
    const url = 'http://label.localhost:8000/?cc_docker_key=key';
    for (const origin of ['http://localhost:8000', 'http://127.0.0.1:8000', 'http://[::1]:8000'])
      expect(urlAt(origin)).toBe(url);
    expect(urlAt('http://elsewhere', { PUBLIC_URL: 'http://localhost:8000' })).toBe(url);
  });

  it('is nowhere when the service has a name, or nobody knows, and there is no domain', () => {
    expect(urlAt('https://cc.example.org')).toBeNull();
    expect(urlAt('http://localhost:8000', { PUBLIC_URL: 'https://cc.example.org' })).toBeNull();
    expect(urlAt(null)).toBeNull();
  });

  it('is below PREVIEW_DOMAIN, with the scheme and the port at which the service is reached', () => {
    const PREVIEW_DOMAIN = 'P.example.org';
    expect(urlAt(null, { PREVIEW_DOMAIN })).toBe('https://label.p.example.org/?cc_docker_key=key');
    expect(urlAt('http://10.0.0.7:8000', { PREVIEW_DOMAIN })).toBe(
      'http://label.p.example.org:8000/?cc_docker_key=key',
    );
    const PUBLIC_URL = 'https://cc.example.org';
    expect(urlAt('http://10.0.0.7:8000', { PREVIEW_DOMAIN, PUBLIC_URL })).toBe(
      'https://label.p.example.org/?cc_docker_key=key',
    );
    expect(urlAt(null, { PREVIEW_DOMAIN: 'p.example.org:8443' })).toBe(
      'https://label.p.example.org:8443/?cc_docker_key=key',
    );
  });

  it('is a domain of its own, and nothing else', () => {
    const bad = [
      'localhost',
      'https://p.example.org',
      '*.example.org',
      'p.example.org/x',
      '10.0.0.7',
      '-p.example.org',
      'p.example.org:',
      'x.'.repeat(120),
    ];
    for (const PREVIEW_DOMAIN of bad)
      expect({ PREVIEW_DOMAIN, ok: webSettings.safeParse({ PREVIEW_DOMAIN }).success }).toEqual({
        PREVIEW_DOMAIN,
        ok: false,
      });
  });
});

describe('the key of a preview', () => {
  const keys = { JWT_SECRET: 's'.repeat(32) };

  it('is made of the label and the secret, and stays good while the secret before is known', async () => {
    const key = await previewKey(keys, 'label');
    expect(key).toMatch(/^[0-9a-f]{32}$/);
    expect(await isPreviewKey(keys, 'label', key)).toBe(true);
    for (const wrong of ['', key.slice(1), `${key}0`, key.replace(/.$/, (last) => (last === '0' ? '1' : '0'))])
      expect(await isPreviewKey(keys, 'label', wrong)).toBe(false);
    expect(await isPreviewKey(keys, 'labem', key)).toBe(false);
    const renewed = { JWT_SECRET: 't'.repeat(32) };
    expect(await isPreviewKey(renewed, 'label', key)).toBe(false);
    expect(await isPreviewKey({ ...renewed, JWT_SECRET_PREVIOUS: keys.JWT_SECRET }, 'label', key)).toBe(true);
  });

  it('is compared whole', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        expect(isSame(one, other)).toBe(Buffer.compare(one, other) === 0);
        expect(isSame(one, Uint8Array.from(one))).toBe(true);
      }),
    );
  });
});
