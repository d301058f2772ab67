import { Transform, type TransformCallback } from 'node:stream';

const STAR = '*'.charCodeAt(0);

/** The text with stars for what must not be seen, of the same length. */
export function maskText(text: string, telltales: readonly string[]): string {
  return telltales.reduce((masked, telltale) => masked.replaceAll(telltale, '*'.repeat(telltale.length)), text);
}

/**
 * Passes a body on with stars for what must not be seen. Its length stays, and no byte waits for a next one
 * unless it may be the beginning of such a thing.
 */
export class Mask extends Transform {
  readonly #telltales: Buffer[];
  #held: Buffer = Buffer.alloc(0);

  constructor(telltales: readonly string[]) {
    super();
    this.#telltales = telltales.map((text) => Buffer.from(text));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const text = this.#masked(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]));
    const keep = Math.max(0, ...this.#telltales.map((telltale) => begunLength(text, telltale)));
    this.#held = text.subarray(text.length - keep);
    if (keep < text.length) this.push(text.subarray(0, text.length - keep));
    done();
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#held);
  }

  #masked(chunk: Buffer): Buffer {
    let text = chunk;
    for (const telltale of this.#telltales) {
      for (let at = text.indexOf(telltale); at !== -1; at = text.indexOf(telltale, at + telltale.length)) {
        // The chunk itself may be shared.
        if (text === chunk) text = Buffer.from(chunk);
        text.fill(STAR, at, at + telltale.length);
      }
    }
    return text;
  }
}

/** How much of `telltale` the text ends with, short of the whole. */
function begunLength(text: Buffer, telltale: Buffer): number {
  const first = telltale[0];
  if (first === undefined) return 0;
  const from = Math.max(0, text.length - telltale.length + 1);
  for (let at = text.indexOf(first, from); at !== -1; at = text.indexOf(first, at + 1))
    if (text.subarray(at).equals(telltale.subarray(0, text.length - at))) return text.length - at;
  return 0;
}
