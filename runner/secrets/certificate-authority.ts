// A dependency of @peculiar/x509 needs this polyfill to be loaded first.
// oxlint-disable-next-line no-unassigned-import -- imported for its side effect
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR = 3_600_000;
const YEAR = 8_766 * HOUR;
/** Certificates are valid from this much earlier, because clocks differ. */
const BACKDATED = HOUR;
const LEAF_LIFE = 24 * HOUR;
/** A leaf is reused for this long, so it is always valid for at least the rest of its life. */
const LEAF_USE = 12 * HOUR;
/** Limit of the cache: a container can invent any number of subdomains. */
const MAX_LEAVES = 512;

/** Issues the certificates that containers see for hosts whose requests get a secret. */
export interface CertificateAuthority {
  /** Its own certificate, PEM. Containers trust it. */
  readonly certificate: string;
  /** A certificate and key for one host name or address. */
  leaf(host: string): Promise<tls.SecureContext>;
}

/**
 * Opens an authority of the runner's own, or makes it once. Its key stays in `<folder>/<name>`, which only its owner may
 * read. Only one runner at a time uses the folder.
 */
export async function openCertificateAuthority(
  folder: string,
  name = 'egress-ca.pem',
): Promise<{ ok: true; authority: CertificateAuthority } | { ok: false; problem: string }> {
  const file = path.join(folder, name);
  const text = readPem(file);
  if (text === undefined || expiresSoon(text)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { pem, certificate, key } = await makeAuthority();
    // `mode` applies only to a new file.
    rmSync(`${file}.new`, { force: true });
    writeFileSync(`${file}.new`, pem, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return { ok: true, authority: new Authority(certificate, key) };
  }
  if ((statSync(file).mode & 0o077) !== 0)
    return { ok: false, problem: `${file} can be read by others than its owner: remove it, and a new one is made` };
  try {
    const [rawKey] = x509.PemConverter.decode(blockOf(text, 'PRIVATE KEY'));
    if (rawKey === undefined) throw new Error('no key');
    const key = await webcrypto.subtle.importKey('pkcs8', rawKey, ALGORITHM, false, ['sign']);
    return { ok: true, authority: new Authority(new x509.X509Certificate(blockOf(text, 'CERTIFICATE')), key) };
  } catch {
    return { ok: false, problem: `${file} is damaged: remove it, and a new one is made` };
  }
}

class Authority implements CertificateAuthority {
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  /** One key for all leaves. It never leaves this process. */
  #leafKeys: Promise<webcrypto.CryptoKeyPair> | undefined;
  readonly #leaves = new Map<string, { context: Promise<tls.SecureContext>; until: number }>();

  constructor(issuer: x509.X509Certificate, key: webcrypto.CryptoKey) {
    this.certificate = `${issuer.toString('pem').trim()}\n`;
    this.#issuer = issuer;
    this.#key = key;
  }

  leaf(host: string): Promise<tls.SecureContext> {
    const cached = this.#leaves.get(host);
    if (cached !== undefined && cached.until > Date.now()) return cached.context;
    const context = this.#make(host);
    this.#leaves.delete(host);
    for (const oldest of this.#leaves.keys()) {
      if (this.#leaves.size < MAX_LEAVES) break;
      this.#leaves.delete(oldest);
    }
    this.#leaves.set(host, { context, until: Date.now() + LEAF_USE });
    return context;
  }

  async #make(host: string): Promise<tls.SecureContext> {
    this.#leafKeys ??= makeKeys();
    const keys = await this.#leafKeys;
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: 'CN=CC-Docker session',
      issuer: this.#issuer.subject,
      notBefore: new Date(Date.now() - BACKDATED),
      notAfter: new Date(Date.now() + LEAF_LIFE),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: net.isIP(host) === 0 ? 'dns' : 'ip', value: host }]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#issuer.publicKey),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return tls.createSecureContext({ key: await pkcs8(keys.privateKey), cert: leaf.toString('pem') });
  }
}

async function makeAuthority(): Promise<{ pem: string; certificate: x509.X509Certificate; key: webcrypto.CryptoKey }> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=CC-Docker runner',
    notBefore: new Date(Date.now() - BACKDATED),
    notAfter: new Date(Date.now() + 10 * YEAR),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      // Path length 0: it may issue leaves, but no other authority.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pem = `${certificate.toString('pem').trim()}\n${(await pkcs8(keys.privateKey)).trim()}\n`;
  return { pem, certificate, key: keys.privateKey };
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pkcs8(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** A positive number of full length (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function readPem(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function blockOf(text: string, label: string): string {
  const [block] = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`).exec(text) ?? [];
  if (block === undefined) throw new Error(`no ${label}`);
  return block;
}

/** Whether it expires within a year; no session lives that long. A damaged one counts as not expiring: the caller reports it. */
function expiresSoon(text: string): boolean {
  try {
    return new x509.X509Certificate(blockOf(text, 'CERTIFICATE')).notAfter.getTime() < Date.now() + YEAR;
  } catch {
    return false;
  }
}
