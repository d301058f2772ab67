import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { makeSecret, secretSource, type Secret } from './secret.ts';

const PREFIX = 'CC_SECRET_';
const EXAMPLE = '{"value": "…", "hosts": ["api.example.com"], "as": "bearer"}';

type Secrets = ReadonlyMap<string, Secret>;

/** The definition of one secret. */
interface Entry {
  name: string;
  /** The variable or the file, for people. */
  origin: string;
  text: string;
}

/** An operator's setting is wrong. The message is for the operator and holds no secret value. */
class Malformed extends Error {}

/**
 * Loads the runner's secrets from `CC_SECRET_<NAME>` and `<folder>/<name>.json`. Names are lower case: `CC_SECRET_GITHUB` is
 * `github`. An empty variable counts as unset.
 *
 * @param folder need not exist
 * @returns the secrets by name, or one line that says which one is wrong; it holds no secret value
 */
export function loadSecrets(
  env: Record<string, string | undefined>,
  folder: string,
): { ok: true; secrets: Secrets } | { ok: false; problem: string } {
  const secrets = new Map<string, Secret>();
  const origins = new Map<string, string>();
  try {
    for (const entry of [...fromEnvironment(env), ...fromFolder(folder)]) {
      const other = origins.get(entry.name);
      if (other !== undefined) throw new Malformed(`${entry.origin} is the same secret as ${other}: remove one`);
      origins.set(entry.name, entry.origin);
      secrets.set(entry.name, read(entry, folder));
    }
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, problem: error.message };
    throw error;
  }
  return { ok: true, secrets };
}

function fromEnvironment(env: Record<string, string | undefined>): Entry[] {
  const entries: Entry[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === '') continue;
    const name = variable.slice(PREFIX.length).toLowerCase();
    if (!/^[a-z0-9_]{1,64}$/.test(name))
      throw new Malformed(`${variable}: a secret's name is up to 64 letters, digits and underscores`);
    entries.push({ name, origin: variable, text });
  }
  return entries;
}

function fromFolder(folder: string): Entry[] {
  const entries: Entry[] = [];
  for (const file of filesOf(folder)) {
    if (!file.endsWith('.json')) continue;
    const origin = path.join(folder, file);
    const name = file.slice(0, -'.json'.length);
    if (!/^[a-z0-9_-]{1,64}$/.test(name))
      throw new Malformed(`${origin}: a secret's name is up to 64 lower-case letters, digits, "_" and "-"`);
    const { mode } = statSync(origin);
    if ((mode & 0o077) !== 0) throw new Malformed(`${origin} can be read by others than its owner: chmod 600 it`);
    entries.push({ name, origin, text: readFileSync(origin, 'utf8') });
  }
  return entries;
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function read({ name, origin, text }: Entry, folder: string): Secret {
  const parsed = secretSource.safeParse(parseJson(origin, text));
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => [...issue.path.map(String), issue.message].join(' '));
    throw new Malformed(`${origin}: ${issues.join('; ')}`);
  }
  const { value, file } = parsed.data;
  const made = makeSecret(name, parsed.data, value ?? valueOf(origin, path.resolve(folder, file ?? '')));
  if (!made.ok) throw new Malformed(`${origin} ${made.problem}`);
  return made.secret;
}

function parseJson(origin: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Do not use the parser's message: it quotes the text, which holds the secret.
    throw new Malformed(`${origin} is not JSON: it must be such as ${EXAMPLE}`);
  }
}

/** A file's text without the line break that editors add at its end. */
function valueOf(origin: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new Malformed(`${origin}: its file ${file} cannot be read (${code})`, { cause: error });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
