import { carriesBlocks } from '../protocol/content/blocks.ts';
import { MAX_BODY_BYTES, MAX_CONTENT_BYTES } from '../protocol/settings/limits.ts';
import type { Refusal } from '../protocol/api/problem.ts';

export const BODY_TOO_LARGE: Refusal = {
  refused: 'body_too_large',
  detail: `A body holds at most ${MAX_BODY_BYTES} bytes.`,
};

const MESSAGE_TOO_LARGE: Refusal = {
  refused: 'body_too_large',
  detail: `A message holds at most ${MAX_BODY_BYTES} bytes, and with images or documents ${MAX_CONTENT_BYTES}.`,
};

const NOT_JSON: Refusal = {
  refused: 'invalid_json',
  detail: 'Send a JSON object with `content-type: application/json`.',
};

export const bodyTimeout = (seconds: number): Refusal => ({
  refused: 'body_timeout',
  detail: `The body did not arrive within ${seconds} s (BODY_TIMEOUT). Send the whole of it at once.`,
});

/** What is asked of the body of a call. */
export interface BodyGate {
  /** Why a body of so many bytes is not taken; null: it is. One whose length is declared is not even read then. */
  readonly refusalOf: (bytes: number) => Promise<Refusal | null>;
  /** Resolves when a body of so many bytes may be parsed. */
  readonly turn: (bytes: number) => Promise<void>;
}

const OPEN: BodyGate = { refusalOf: async () => null, turn: async () => {} };

/** JSON, as it came and as a value. */
export interface JsonBody {
  readonly text: string;
  readonly value: unknown;
}

/** The JSON of a request, `{}` for an empty body. `takesBlocks`: the call may be larger when it carries blocks. */
export async function readJson(
  request: Request,
  takesBlocks: boolean,
  timeoutSeconds: number,
  gate: BodyGate = OPEN,
): Promise<JsonBody | Refusal> {
  const tooLarge = takesBlocks ? MESSAGE_TOO_LARGE : BODY_TOO_LARGE;
  const limit = takesBlocks ? MAX_CONTENT_BYTES : MAX_BODY_BYTES;
  const declared = declaredLength(request);
  if (declared !== null && declared > limit) return tooLarge;
  const refusedUnread = declared === null ? null : await gate.refusalOf(declared);
  if (refusedUnread !== null) return refusedUnread;
  const raw = await readBody(request, timeoutSeconds, limit);
  if (raw === 'too large') return tooLarge;
  if (raw === 'too slow') return bodyTimeout(timeoutSeconds);
  if (raw.byteLength === 0) return { text: '{}', value: {} };
  const refused = declared === null ? await gate.refusalOf(raw.byteLength) : null;
  if (refused !== null) return refused;
  await gate.turn(raw.byteLength);
  const text = new TextDecoder().decode(raw);
  const value = parseText(text);
  if (raw.byteLength > MAX_BODY_BYTES && !carriesBlocks(value)) return tooLarge;
  return value === undefined ? NOT_JSON : { text, value };
}

/** The length that a body is said to have, bytes; null: nobody says. */
function declaredLength({ headers }: Request): number | null {
  const length = headers.get('content-length');
  return length !== null && /^\d+$/.test(length) ? Number(length) : null;
}

/**
 * The raw body of a request. `too large`: it is over the limit in bytes, by the declared length or by its real length. `too
 * slow`: it has not arrived in time.
 */
export async function readBody(
  { headers, body }: Request,
  timeoutSeconds: number,
  limit: number = MAX_BODY_BYTES,
): Promise<Uint8Array<ArrayBuffer> | 'too large' | 'too slow'> {
  const length = Number(headers.get('content-length') ?? limit);
  if (length > limit) return 'too large';
  if (body === null) return new Uint8Array(0);
  const reader = blocksOf(body);
  const { promise: late, resolve } = Promise.withResolvers<'too slow'>();
  const timer = setTimeout(() => resolve('too slow'), timeoutSeconds * 1000);
  try {
    return await readWhole(reader, late, { limit, length });
  } finally {
    clearTimeout(timer);
    // Of a body that is refused, nothing more is read.
    await reader.cancel();
  }
}

/**
 * What is read at once at first, bytes; then as much as has come so far. As it comes it is a few kilobytes, and each read costs as
 * much as many more bytes. Who sends nothing takes no memory.
 */
const BLOCK_BYTES = 32 * 1024;

/** Of a stream of bytes. With `min` it waits until so much has come; the types of workerd do not know that yet. */
interface BlockReader {
  read(view: Uint8Array<ArrayBuffer>, options: { readonly min: number }): Promise<ReadableStreamReadResult<Uint8Array>>;
}

/** Under Deno a body is no stream of bytes: it is read in the pieces in which it comes. */
function blocksOf(body: ReadableStream<Uint8Array>): BlockReader & { cancel(): Promise<void> } {
  try {
    return body.getReader({ mode: 'byob' });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const reader = body.getReader();
    return { read: async () => await reader.read(), cancel: async () => await reader.cancel() };
  }
}

async function readWhole(
  reader: BlockReader,
  late: Promise<'too slow'>,
  { limit, length }: { readonly limit: number; readonly length: number },
): Promise<Uint8Array<ArrayBuffer> | 'too large' | 'too slow'> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const block = Math.max(1, Math.min(Math.max(BLOCK_BYTES, size), length - size));
    const read = await Promise.race([reader.read(new Uint8Array(block), { min: block }), late]);
    if (read === 'too slow') return read;
    const { value, done } = read;
    // The last block may come together with the end.
    if (value !== undefined && value.byteLength > 0) {
      size += value.byteLength;
      if (size > limit) return 'too large';
      chunks.push(value);
    }
    if (done) break;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** The value of JSON in UTF-8; undefined: not JSON. (No JSON text has the value undefined.) */
export function parseJson(raw: Uint8Array): unknown {
  return parseText(new TextDecoder().decode(raw));
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
