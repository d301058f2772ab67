import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { CcDocker, CcDockerError } from '../../../client/main.ts';
import type { Context } from '../../context/contexts.ts';
import type { Cli } from '../../lib/cli.ts';
import { explain } from '../../lib/explain.ts';
import { Failure } from '../../lib/failure.ts';
import { projectFolder } from '../../lib/project.ts';

const answer = z.object({ token: z.string(), sub: z.string(), expires_at: z.string() });
const refusal = z.object({ code: z.string(), detail: z.string() });

/** Exchanges a one-time code for a token. It is tried once: a second time, the code would be used up. */
export async function exchangeCode(cli: Cli, url: string, code: string): Promise<Context> {
  let response: Response;
  let body: unknown;
  try {
    const headers = { authorization: `Bearer ${code}` };
    response = await fetch(`${url}/api/v1/login`, { method: 'POST', headers, signal: cli.signal });
    body = await response.json();
  } catch (error) {
    cli.signal.throwIfAborted();
    const code = error instanceof SyntaxError ? 'bad_answer' : 'unreachable';
    throw explain(new CcDockerError({ code, detail: String(error), retryable: false }), url) ?? error;
  }
  const read = answer.safeParse(body);
  if (response.ok && read.success) return { url, ...read.data };
  const refused = refusal.safeParse(body);
  if (refused.success) throw new Failure(refused.data.detail, '', { code: refused.data.code });
  throw (
    explain(new CcDockerError({ code: 'bad_answer', detail: String(response.status), retryable: false }), url) ?? body
  );
}

/**
 * A code of the service on this machine, whose sources these are: who can read its secret may log in. The sources make it, as
 * `npm run token` does.
 */
export async function localCode(
  cli: Cli,
  url: string,
  { sub, scope }: { readonly sub: string; readonly scope?: string | undefined },
): Promise<string> {
  const project = projectFolder();
  const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
  if (project === null || !isHere) {
    throw new Failure(
      `${url} wants a code`,
      `It prints one when it starts; there, \`npm run --silent token -- --kind login --sub NAME\` makes others. Then: cc-docker login ${url} --code CODE`,
    );
  }
  const script = path.join(project, 'scripts', 'token.ts');
  const args = [script, '--kind', 'login', '--sub', sub, ...(scope === undefined ? [] : ['--scope', scope])];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: cli.env, signal: cli.signal });
    return stdout.trim();
  } catch (error) {
    cli.signal.throwIfAborted();
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Failure(said, 'Start the service with `cc-docker start`.');
  }
}

/** Whether the service takes a token. @throws Failure when it does not */
export async function tryToken(cli: Cli, url: string, token: string): Promise<void> {
  try {
    const cc = new CcDocker({ url, token, signal: cli.signal });
    for await (const _ of cc.sessions.list({ limit: 1 })) break;
  } catch (error) {
    cli.signal.throwIfAborted();
    throw explain(error, url) ?? error;
  }
}

const claims = z.object({ sub: z.string().optional(), exp: z.number().optional() });

/** What a token says of itself. Nobody here can check it, and it is only shown. */
export function claimsOf(token: string): { sub?: string; expires_at?: string } {
  const [, payload = ''] = token.split('.');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(payload, 'base64url').toString());
  } catch {
    // A token of an identity provider need not be a JWT.
    return {};
  }
  const { sub, exp } = claims.safeParse(json).data ?? {};
  return {
    ...(sub !== undefined && { sub }),
    ...(exp !== undefined && { expires_at: new Date(exp * 1000).toISOString() }),
  };
}
