import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { duplexPair } from 'node:stream';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { caBundle, caBundleEnv, trustedAuthorities } from '../../../../runner/secrets/ca-bundle.ts';
import { openCertificateAuthority } from '../../../../runner/secrets/certificate-authority.ts';
import { scratch } from '../../../support/scratch.ts';
import { makeAuthority } from '../../../support/secrets/servers.ts';

/** What a server with this context shows. */
async function shown(context: tls.SecureContext, host: string): Promise<tls.PeerCertificate> {
  const [server, client] = duplexPair();
  const end = new tls.TLSSocket(server, { isServer: true, secureContext: context });
  const socket = tls.connect({ socket: client, host, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  end.destroy();
  return certificate;
}

describe('the runner’s certificate authority', () => {
  test('is made once, and its key is the owner’s alone to read', async () => {
    const folder = scratch();
    const first = await makeAuthority(folder);
    const second = await makeAuthority(folder);
    expect(second.certificate).toBe(first.certificate);
    const file = path.join(folder, 'egress-ca.pem');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain('PRIVATE KEY');
    expect(first.certificate).not.toContain('PRIVATE KEY');
    const certificate = new X509Certificate(first.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);

    chmodSync(file, 0o644);
    expect(await openCertificateAuthority(folder)).toMatchObject({ ok: false });
    chmodSync(file, 0o600);
    writeFileSync(file, 'not a key');
    const damaged = await openCertificateAuthority(folder);
    expect(damaged).toEqual({ ok: false, problem: `${file} is damaged: remove it, and a new one is made` });
  });

  test('makes certificates for a day, each for one host name or address, and keeps them', async () => {
    const authority = await makeAuthority();
    expect(await authority.leaf('a.test')).toBe(await authority.leaf('a.test'));
    for (const [host, name] of [
      ['a.test', 'DNS:a.test'],
      ['2001:db8::1', 'IP Address:2001:DB8:0:0:0:0:0:1'],
    ] as const) {
      const certificate = await shown(await authority.leaf(host), host);
      expect(certificate.subjectaltname).toBe(name);
      expect(Date.parse(certificate.valid_to) - Date.now()).toBeLessThanOrEqual(24 * 3_600_000);
      expect(Date.parse(certificate.valid_to) - Date.now()).toBeGreaterThan(12 * 3_600_000);
      const pem = new X509Certificate(certificate.raw);
      expect(pem.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
      expect(pem.ca).toBe(false);
    }
  });
});

describe('what a container trusts', () => {
  test('is what the runner trusts, the operator’s own authority and the runner’s, each once', async () => {
    const file = path.join(scratch(), 'own.pem');
    const operators = await makeAuthority();
    writeFileSync(file, operators.certificate + operators.certificate);
    const result = trustedAuthorities(file);
    if (!result.ok) throw new Error(result.problem);
    const runners = await makeAuthority();
    const bundle = caBundle(result.trusted, runners.certificate);
    expect(bundle.split(operators.certificate.trim())).toHaveLength(2);
    expect(bundle.split(runners.certificate.trim())).toHaveLength(2);
    expect(bundle.split('BEGIN CERTIFICATE').length).toBeGreaterThan(50);
    expect(bundle).not.toContain('PRIVATE');
    expect(() => tls.createSecureContext({ ca: bundle })).not.toThrow();
    expect(Object.keys(caBundleEnv('/x')).sort()).toEqual([
      'CURL_CA_BUNDLE',
      'GIT_SSL_CAINFO',
      'NODE_EXTRA_CA_CERTS',
      'PIP_CERT',
      'REQUESTS_CA_BUNDLE',
      'SSL_CERT_FILE',
      'npm_config_cafile',
    ]);
  });

  test('cannot be said by a file that is missing, or holds no certificate', () => {
    expect(trustedAuthorities('/nowhere.pem')).toEqual({
      ok: false,
      problem: 'CC_EGRESS_CA names /nowhere.pem, which cannot be read (ENOENT)',
    });
    const file = path.join(scratch(), 'own.pem');
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    expect(trustedAuthorities(file)).toMatchObject({ ok: false, problem: expect.stringContaining('damaged') });
  });
});
