import type { Context, Next } from 'hono';
import type { CallerEnv } from '../app-env.ts';
import { turnOf } from '../gate/large-bodies.ts';
import { overBodyLimit } from '../gate/limits.ts';
import { readJson, type JsonBody } from '../body.ts';
import { refuse } from '../refuse.ts';

/** The calls whose bodies may carry images and documents. */
const TAKES_BLOCKS = /\/sessions\/[^/]+\/(chat|spawn)$/;
/** The methods of calls that take JSON, and nothing else: all but a file that is written. */
const TAKES_JSON = ['POST', 'PATCH', 'PUT'];
const IS_FILE = /\/sessions\/[^/]+\/files(\/|$)/;

/** The content types that the routes' validators take for JSON. */
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * Reads the body of a call that takes JSON, and goes on. Refuses one that is too large, whatever length was declared, or is not JSON.
 * Large ones of an owner are taken one after another.
 */
export async function withJsonBody(c: Context<CallerEnv>, next: Next): Promise<Response | void> {
  const isFile = c.req.method === 'PUT' && IS_FILE.test(c.req.path);
  if (!TAKES_JSON.includes(c.req.method) || isFile) return next();
  const { BODY_TIMEOUT: seconds } = c.get('settings');
  let endTurn: (() => void) | undefined;
  try {
    const json = await readJson(c.req.raw, TAKES_BLOCKS.test(c.req.path), seconds, {
      refusalOf: (bytes) => overBodyLimit(c, bytes),
      turn: async (bytes) => void (endTurn = await turnOf(c.get('caller').owner, bytes)),
    });
    if ('refused' in json) return refuse(c, json);
    setBody(c, json);
    await next();
  } finally {
    endTurn?.();
  }
}

/** The handler reads this. It was parsed already: a large one is not parsed twice. */
function setBody(c: Context<CallerEnv>, { text, value }: JsonBody): void {
  Object.assign(c.req, { json: async () => value });
  // Where Hono keeps a body that was read. So no second request has to be made, nor the text sent through one.
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  if (JSON_TYPE.test(c.req.header('content-type') ?? '')) return;
  // These calls take only JSON, whatever content type is declared (curl's `-d` declares a form).
  const headers = new Headers(c.req.raw.headers);
  headers.set('content-type', 'application/json');
  c.req.raw = new Request(c.req.raw, { method: c.req.method, headers, body: text });
}
