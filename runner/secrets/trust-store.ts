/** The types of `certBag`s and what is around them (RFC 7292), as DER. */
const OID = {
  data: oid('2a864886f70d010701'),
  certBag: oid('2a864886f70d010c0a0103'),
  x509Certificate: oid('2a864886f70d01091601'),
  /** Oracle's trustedKeyUsage. Java takes a certificate without it for nobody that it trusts. */
  trustedKeyUsage: oid('6086480186f966adca7b0101'),
  anyExtendedKeyUsage: oid('551d2500'),
};

/**
 * The trust store for programs in Java, which read no PEM file: PKCS #12 without encryption and without a MAC, so without a
 * password. Every JDK from 8 on reads it. Written by hand: `@peculiar/asn1-pfx`, which is there with x509, takes forty times as
 * long for a system's certificates, some seconds on a busy machine, in which the runner answers nobody.
 *
 * @param pem certificates, one after the other
 */
export function javaTrustStore(pem: string): Buffer {
  const trusted = sequence(OID.trustedKeyUsage, set(OID.anyExtendedKeyUsage));
  const blocks = pem.match(/(?<=-----BEGIN CERTIFICATE-----)[^-]+(?=-----END CERTIFICATE-----)/g) ?? [];
  const bags = blocks.map((block) => {
    const certificate = octets(Buffer.from(block, 'base64'));
    return sequence(OID.certBag, tagged(sequence(OID.x509Certificate, tagged(certificate))), set(trusted));
  });
  const safe = sequence(contentInfo(sequence(...bags)));
  const version = der(0x02, Buffer.from([3]));
  return sequence(version, contentInfo(safe));
}

function contentInfo(content: Buffer): Buffer {
  return sequence(OID.data, tagged(octets(content)));
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function set(...parts: Buffer[]): Buffer {
  return der(0x31, ...parts);
}

function octets(content: Buffer): Buffer {
  return der(0x04, content);
}

/** `[0] EXPLICIT` */
function tagged(content: Buffer): Buffer {
  return der(0xa0, content);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), ...parts]);
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, ...parts]);
}
