import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { duplexPair } from 'node:stream';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { javaTrustStore } from '../../../../runner/secrets/trust-store.ts';
import { caBundle, caBundleEnv, trustedAuthorities } from '../../../../runner/secrets/ca-bundle.ts';
import { openCertificateAuthority } from '../../../../runner/secrets/certificate-authority.ts';
import { scratch } from '../../../support/scratch.ts';
import { run } from '../../../support/secrets/run.ts';
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
      'AWS_CA_BUNDLE',
      'CARGO_HTTP_CAINFO',
      'CURL_CA_BUNDLE',
      'DENO_CERT',
      'GIT_SSL_CAINFO',
      'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
      'HEX_CACERTS_PATH',
      'NODE_EXTRA_CA_CERTS',
      'PERL_LWP_SSL_CA_FILE',
      'PIP_CERT',
      'REQUESTS_CA_BUNDLE',
      'SSL_CERT_FILE',
      'npm_config_cafile',
    ]);
  });

  test('is in Java’s trust store too, each certificate as one that is trusted, under no password', async () => {
    const authorities = await Promise.all([makeAuthority(), makeAuthority()]);
    const pems = authorities.map(({ certificate }) => certificate.trim());
    const file = path.join(scratch(), 'ca.p12');
    writeFileSync(file, javaTrustStore(caBundle({ certificates: pems.slice(0, 1) }, pems[1] ?? '')));
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
    const read = await run('openssl', ['pkcs12', '-in', file, '-nokeys', '-passin', 'pass:'], { env });
    expect(read.stderr).toMatch(/^Warning: MAC is absent!$/m);
    const found = read.stdout.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];
    expect(found.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
      pems.map((pem) => new X509Certificate(pem).fingerprint256),
    );
    // Without Oracle's trustedKeyUsage, Java trusts none of them.
    expect(read.stdout.split('2.16.840.1.113894.746875.1.1').length - 1).toBe(2);
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
