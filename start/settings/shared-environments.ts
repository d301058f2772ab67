import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { environmentRequest, newEnvironmentName } from '../../protocol/api/environment.ts';
import { environmentSettings } from '../../protocol/settings/environment-settings.ts';
import { issuesOf } from '../../protocol/issues.ts';
import { isMissing } from '../lib/file-error.ts';
import { isRefused, type Refused } from '../lib/refused.ts';
import { readFileVariables } from './file-variables.ts';
import type { Environment, Settings } from './settings.ts';

/** The edge gets them in one variable, and Linux takes 128 KB of one. */
const MAX_BYTES = 120 * 1024;

const NAME = 'ENVIRONMENTS';

/**
 * Adds the environments that the operator shares with all: those of `ENVIRONMENTS` or `ENVIRONMENTS_FILE`, and those of the folder
 * `environments` in the data folder. There each is `NAME.json`, `NAME.sh` (its `setup`), or both.
 */
export function withSharedEnvironments(settings: Settings, env: Environment): Settings | Refused {
  const read = readFileVariables(env, [NAME]);
  if (isRefused(read)) return read;
  const text = read[NAME] ?? '';
  const named = environmentSettings.shape[NAME].safeParse(text === '' ? '{}' : text);
  if (!named.success) return { refused: `${NAME} ${named.error.issues[0]?.message ?? 'cannot be read'}` };
  const folder = folderOf(path.join(settings.dataFolder, 'environments'));
  if (isRefused(folder)) return folder;
  const all = JSON.stringify({ ...named.data, ...folder });
  if (all === '{}') return settings;
  const bytes = Buffer.byteLength(all);
  if (bytes > MAX_BYTES) {
    return {
      refused: `${NAME} and the folder environments have ${bytes} bytes together, and ${MAX_BYTES} are taken. Move long scripts into an image.`,
    };
  }
  return { ...settings, edgeVars: { ...settings.edgeVars, [NAME]: all } };
}

function folderOf(folder: string): Record<string, unknown> | Refused {
  const found: Record<string, unknown> = {};
  try {
    const files = new Set(readdirSync(folder));
    const names = [...files].flatMap((file) => /^(.+)\.(?:json|sh)$/.exec(file)?.[1] ?? []);
    for (const name of new Set(names)) {
      const environment = environmentOf(folder, name, files);
      if (isRefused(environment)) return environment;
      found[name] = environment;
    }
    return found;
  } catch (error) {
    // Most have none.
    if (isMissing(error)) return found;
    return { refused: `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function environmentOf(folder: string, name: string, files: ReadonlySet<string>): object | Refused {
  const [json, script] = [`${name}.json`, `${name}.sh`].map((file) =>
    files.has(file) ? readFileSync(path.join(folder, file), 'utf8') : undefined,
  );
  const where = path.join(folder, json === undefined ? `${name}.sh` : `${name}.json`);
  let value: unknown;
  try {
    value = json === undefined ? {} : JSON.parse(json);
  } catch {
    return { refused: `${where} is not JSON` };
  }
  const parsed = environmentRequest.safeParse(value);
  const issues = [...checked(newEnvironmentName, name), ...(parsed.error ? issuesOf(parsed.error) : [])];
  const said = issues.map(({ path: at, message }) => (at === '' ? message : `${at} ${message}`)).join('; ');
  if (!parsed.success || issues.length > 0) return { refused: `${where}: ${said}` };
  if (script !== undefined && parsed.data.setup !== undefined)
    return { refused: `${where} has a setup, and ${name}.sh is beside it: only one of both can be` };
  const whole = { ...parsed.data, ...(script !== undefined && { setup: script }) };
  const fit = environmentRequest.safeParse(whole);
  return fit.success ? whole : { refused: `${where}: ${issuesOf(fit.error)[0]?.message ?? 'does not fit'}` };
}

function checked(schema: typeof newEnvironmentName, name: string) {
  const { error } = schema.safeParse(name);
  return error === undefined ? [] : issuesOf(error);
}
