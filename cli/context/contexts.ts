import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { Environment } from '../lib/cli.ts';
import { Failure } from '../lib/failure.ts';

const context = z.object({
  url: z.string(),
  token: z.string(),
  /** Whose token it is. Absent: it is not known. */
  sub: z.string().optional(),
  /** When the token is over. Absent: it is not known. */
  expires_at: z.string().optional(),
});
export type Context = z.infer<typeof context>;

const contextsFile = z.object({
  /** The name of the one that is used when none is named. */
  current: z.string().nullable(),
  contexts: z.record(z.string(), context),
});
export type Contexts = z.infer<typeof contextsFile>;

/** Where the services are kept that the person has logged in to. */
function contextsPath(env: Environment): string {
  const home = env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || os.homedir(), '.config');
  return path.join(home, 'cc-docker', 'contexts.json');
}

export function readContexts(env: Environment): Contexts {
  const file = contextsPath(env);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { current: null, contexts: {} };
    throw new Failure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = contextsFile.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new Failure(`${file} is damaged`, 'Remove it, and log in again with `cc-docker login`.');
}

/** Writes the file as a whole, for its owner's eyes alone: it holds tokens. */
export function writeContexts(env: Environment, contexts: Contexts): void {
  const file = contextsPath(env);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it should be is said by who parses it.
    return undefined;
  }
}
