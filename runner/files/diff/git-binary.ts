import { promisify } from 'node:util';
import { deflate } from 'node:zlib';

const deflated = promisify(deflate);

/** Git's alphabet (base85.c). */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';
const LINE = 52;

/** The body of a `GIT binary patch`: the new content, then the old one, so that the patch can be reversed. */
export async function gitBinary(before: Buffer, after: Buffer): Promise<string> {
  return `GIT binary patch\n${await literal(after)}\n${await literal(before)}\n`;
}

async function literal(bytes: Buffer): Promise<string> {
  const packed = await deflated(bytes);
  const lines = [`literal ${bytes.length}\n`];
  for (let at = 0; at < packed.length; at += LINE) {
    const part = packed.subarray(at, at + LINE);
    const length = part.length <= 26 ? 0x40 + part.length : 0x60 + part.length - 26;
    lines.push(`${String.fromCharCode(length)}${base85(part)}\n`);
  }
  return lines.join('');
}

/** Encodes four bytes as five digits. The last group is padded with zeros. */
function base85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let value = 0;
    for (let index = 0; index < 4; index++) value = value * 256 + (bytes[at + index] ?? 0);
    let digits = '';
    for (let index = 0; index < 5; index++) {
      digits = (DIGITS[value % 85] ?? '') + digits;
      value = Math.floor(value / 85);
    }
    text += digits;
  }
  return text;
}
