import { Transform, type TransformCallback } from 'node:stream';

const STAR = '*'.charCodeAt(0);

/** The text with every secret replaced by as many stars. */
export function maskText(text: string, secrets: readonly string[]): string {
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, '*'.repeat(secret.length)), text);
}

/**
 * A stream that replaces every secret by as many stars. The length of the body stays the same. A byte is kept back only
 * when a secret may begin with it.
 */
export class Mask extends Transform {
  readonly #secrets: Buffer[];
  /** The end of what came, which may be the beginning of a secret. */
  #pending: Buffer = Buffer.alloc(0);

  constructor(secrets: readonly string[]) {
    super();
    this.#secrets = secrets.map((text) => Buffer.from(text));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = this.#masked(this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]));
    const keep = Math.max(0, ...this.#secrets.map((secret) => prefixLength(text, secret)));
    this.#pending = text.subarray(text.length - keep);
    if (keep < text.length) this.push(text.subarray(0, text.length - keep));
    done();
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#pending);
  }

  #masked(chunk: Buffer): Buffer {
    let text = chunk;
    for (const secret of this.#secrets) {
      for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + secret.length)) {
        // Copy first: the chunk may be shared.
        if (text === chunk) text = Buffer.from(chunk);
        text.fill(STAR, at, at + secret.length);
      }
    }
    return text;
  }
}

/** The length of the longest proper prefix of `secret` with which the text ends. */
function prefixLength(text: Buffer, secret: Buffer): number {
  const first = secret[0];
  if (first === undefined) return 0;
  const from = Math.max(0, text.length - secret.length + 1);
  for (let at = text.indexOf(first, from); at !== -1; at = text.indexOf(first, at + 1))
    if (text.subarray(at).equals(secret.subarray(0, text.length - at))) return text.length - at;
  return 0;
}
