import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';
import { SAFE_HEADERS } from '../web/answer-headers.ts';

/** How files are compressed, the best first: the `Content-Encoding`, and the end of the file's name (`scripts/console/compress.ts`). */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/**
 * A file of the console, in the smallest form that the browser takes; null: there is none. workerd compresses nothing by itself, so the
 * bundler has.
 *
 * @param name one of the bundler's, never a path
 */
export async function consoleFile(
  c: Context<AppEnv>,
  name: string,
  headers: Readonly<Record<string, string>>,
  status: 200 | 404 = 200,
): Promise<Response | null> {
  const taken = encodingsOf(c.req.header('accept-encoding'));
  // All of them are here: to change an answer would be to make another, whose body would be compressed once more.
  const all = { ...SAFE_HEADERS, ...headers, vary: 'accept-encoding' };
  for (const [encoding, end] of ENCODINGS) {
    if (!taken.has(encoding)) continue;
    const found = await c.env.ASSETS.fetch(`https://assets/console/${name}${end}`);
    if (!found.ok) continue;
    const encoded = { ...all, 'content-encoding': encoding };
    return new Response(found.body, { status, headers: encoded, encodeBody: 'manual' });
  }
  const found = await c.env.ASSETS.fetch(`https://assets/console/${name}`);
  return found.ok ? new Response(found.body, { status, headers: all }) : null;
}

/** The codings of an `Accept-Encoding` (RFC 9110, 12.5.3), without those that it refuses. */
function encodingsOf(accepted: string | undefined): ReadonlySet<string> {
  const codings = (accepted ?? '').toLowerCase().split(',');
  const taken = codings.filter((coding) => !/;\s*q=0(?:\.0*)?\s*$/.test(coding));
  return new Set(taken.map((coding) => (coding.split(';', 1)[0] ?? '').trim()));
}
