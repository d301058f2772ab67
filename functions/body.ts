import { MAX_BODY_BYTES } from '../protocol/settings/limits.ts';
import type { Refusal } from '../protocol/api/problem.ts';

export const BODY_TOO_LARGE: Refusal = {
  refused: 'body_too_large',
  detail: `A body holds at most ${MAX_BODY_BYTES} bytes.`,
};

/** The raw body of a request; null: it is too large, by the declared length or by its real length. */
export async function readBody({ headers, body }: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  if (Number(headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
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
  try {
    return JSON.parse(new TextDecoder().decode(raw)) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
