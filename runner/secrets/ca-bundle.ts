import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

/** The authorities that the runner trusts, PEM: the system's (or Node's own if there are none) and the operator's. */
export interface TrustedAuthorities {
  readonly certificates: readonly string[];
}

/**
 * Collects the system's authorities, those of `NODE_EXTRA_CA_CERTS`, and those in `extraFile`.
 *
 * @param extraFile the file that `CC_EGRESS_CA` names
 * @returns or one line that says why that file cannot be used
 */
export function trustedAuthorities(
  extraFile: string | undefined,
): { ok: true; trusted: TrustedAuthorities } | { ok: false; problem: string } {
  const extra = extraFile === undefined ? { ok: true as const, certificates: [] } : readCertificates(extraFile);
  if (!extra.ok) return extra;
  const system = tls.getCACertificates('system');
  const certificates = [
    ...(system.length > 0 ? system : tls.getCACertificates('bundled')),
    ...tls.getCACertificates('extra'),
    ...extra.certificates,
  ];
  return { ok: true, trusted: { certificates: [...new Set(certificates.map((pem) => pem.trim()))] } };
}

function readCertificates(file: string): { ok: true; certificates: string[] } | { ok: false; problem: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return { ok: false, problem: `CC_EGRESS_CA names ${file}, which cannot be read (${code})` };
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (certificates === null)
    return { ok: false, problem: `CC_EGRESS_CA names ${file}, which holds no PEM certificate` };
  if (!certificates.every(isCertificate))
    return { ok: false, problem: `CC_EGRESS_CA names ${file}, which holds a damaged certificate` };
  return { ok: true, certificates: [...certificates] };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/**
 * The authorities that a container trusts, as one PEM file: those that the runner trusts, and the runner's own.
 *
 * @param own the runner's own authority, PEM
 */
export function caBundle(trusted: TrustedAuthorities, own: string): string {
  return `${[...trusted.certificates, own.trim()].join('\n')}\n`;
}

/**
 * Variables that name this file to tools: OpenSSL, Go, uv, Ruby, .NET; Node; git; curl; Python's requests; pip; npm; cargo; AWS;
 * Deno; gRPC; Perl; Elixir's Hex. Java reads no PEM file: see `trust-store.ts`.
 */
export function caBundleEnv(file: string): Record<string, string> {
  return {
    SSL_CERT_FILE: file,
    NODE_EXTRA_CA_CERTS: file,
    GIT_SSL_CAINFO: file,
    CURL_CA_BUNDLE: file,
    REQUESTS_CA_BUNDLE: file,
    PIP_CERT: file,
    npm_config_cafile: file,
    CARGO_HTTP_CAINFO: file,
    AWS_CA_BUNDLE: file,
    DENO_CERT: file,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: file,
    PERL_LWP_SSL_CA_FILE: file,
    HEX_CACERTS_PATH: file,
  };
}
