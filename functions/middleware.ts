import { createMiddleware } from 'hono/factory';
import { edgeSettings } from '../protocol/settings/edge-settings.ts';
import { MAX_BODY_BYTES } from '../protocol/settings/limits.ts';
import type { AppEnv } from './app-env.ts';
import { refuse } from './refuse.ts';
import { verifyUser } from './token.ts';

/** Reads the settings; without valid ones nothing but `/health` is served. */
export const withSettings = createMiddleware<AppEnv>(async (c, next) => {
  const parsed = edgeSettings.safeParse(c.env);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    return refuse(c, { refused: 'not_configured', detail: `The edge's settings do not fit. ${wrong}` });
  }
  c.set('settings', parsed.data);
  return next();
});

/** Lets in who has a user's token. */
export const withOwner = createMiddleware<AppEnv>(async (c, next) => {
  const verified = await verifyUser(c.req.header('authorization'), c.get('settings').JWT_SECRET);
  if ('refused' in verified) return refuse(c, verified, { 'www-authenticate': 'Bearer' });
  c.set('owner', verified.claims.sub);
  return next();
});

/** Refuses a body that is too large, whatever its length was said to be, and one that is not JSON. */
export const withJsonBody = createMiddleware<AppEnv>(async (c, next) => {
  const said = Number(c.req.header('content-length') ?? 0);
  const detail = `A body holds at most ${MAX_BODY_BYTES} bytes.`;
  if (said > MAX_BODY_BYTES) return refuse(c, { refused: 'body_too_large', detail });
  const text = await readText(c.req.raw);
  if (text === null) return refuse(c, { refused: 'body_too_large', detail });
  const json = text === '' ? {} : parseJson(text);
  if (json === undefined) {
    return refuse(c, { refused: 'invalid_json', detail: 'Send a JSON object with `content-type: application/json`.' });
  }
  // Whatever the content type says (curl's `-d` says form), these calls take JSON and nothing else.
  const headers = new Headers(c.req.raw.headers);
  headers.set('content-type', 'application/json');
  c.req.raw = new Request(c.req.raw, { method: c.req.method, headers, body: JSON.stringify(json) });
  return next();
});

/** The body as text; null when it is longer than allowed. */
async function readText(request: Request): Promise<string | null> {
  if (request.body === null) return '';
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
