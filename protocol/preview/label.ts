/** What the name of a preview's host says: whose port it is, and the secret of that share. */
export interface PreviewLabel {
  readonly session_id: string;
  readonly port: number;
  /** `SECRET_BYTES` random bytes. */
  readonly secret: Uint8Array;
}

/** 96 bits: with the session's id and the port, the label is of 48 characters, and a host's may have 63. */
export const SECRET_BYTES = 12;
const ID_BYTES = 16;
const BYTES = ID_BYTES + 2 + SECRET_BYTES;

/** Base32 (RFC 4648) in lower case: the names of hosts know no case. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BITS = 5;
const LABEL = new RegExp(`^[a-z2-7]{${(BYTES * 8) / BITS}}$`);

export function encodeLabel({ session_id, port, secret }: PreviewLabel): string {
  const id = session_id.replaceAll('-', '').match(/../g) ?? [];
  const bytes = [...id.map((pair) => Number.parseInt(pair, 16)), port >> 8, port & 255, ...secret];
  if (bytes.length !== BYTES) throw new Error(`a label has ${BYTES} bytes, not ${bytes.length}`);
  let text = '';
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= BITS) {
      bits -= BITS;
      text += ALPHABET[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}

/** Null: it is no label of a preview. */
export function decodeLabel(label: string): PreviewLabel | null {
  if (!LABEL.test(label)) return null;
  const bytes: number[] = [];
  let value = 0;
  let bits = 0;
  for (const character of label) {
    value = (value << BITS) | ALPHABET.indexOf(character);
    bits += BITS;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 255);
    value &= (1 << bits) - 1;
  }
  const [high = 0, low = 0, ...secret] = bytes.slice(ID_BYTES);
  const port = (high << 8) | low;
  const hex = bytes.slice(0, ID_BYTES).map((byte) => byte.toString(16).padStart(2, '0'));
  const session_id = hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return port === 0 ? null : { session_id, port, secret: Uint8Array.from(secret) };
}
