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

/** The JSON text of a request, `{}` for an empty body. `takesBlocks`: the call may be larger when it carries blocks. */
export async function readJson(request: Request, takesBlocks: boolean): Promise<{ readonly text: string } | Refusal> {
  const tooLarge = takesBlocks ? MESSAGE_TOO_LARGE : BODY_TOO_LARGE;
  const raw = await readBody(request, takesBlocks ? MAX_CONTENT_BYTES : MAX_BODY_BYTES);
  if (raw === null) return tooLarge;
  if (raw.byteLength === 0) return { text: '{}' };
  const text = new TextDecoder().decode(raw);
  const json = parseText(text);
  if (raw.byteLength > MAX_BODY_BYTES && !carriesBlocks(json)) return tooLarge;
  return json === undefined ? NOT_JSON : { text };
}

/** The raw body of a request; null: it is over the limit in bytes, by the declared length or by its real length. */
export async function readBody(
  { headers, body }: Request,
  limit: number = MAX_BODY_BYTES,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (Number(headers.get('content-length') ?? 0) > limit) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limit) return null;
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
