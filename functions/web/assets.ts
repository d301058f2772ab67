import type { Context } from 'hono';
import type { AppEnv } from '../app-env.ts';
import type { AssetName } from './asset-sources.ts';

/** Answers with a file. `ASSETS` says of none what it is: `headers` do. */
export async function asset(
  c: Context<AppEnv>,
  name: AssetName,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const found = await c.env.ASSETS.fetch(`https://assets/${name}`);
  if (!found.ok) throw new Error(`the asset ${name} is not served: ${found.status}`);
  return new Response(found.body, { headers });
}
