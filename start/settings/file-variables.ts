import { readFileSync } from 'node:fs';
import type { Refused } from '../lib/refused.ts';
import type { Environment } from './settings.ts';

/**
 * Replaces each `NAME_FILE` by `NAME` with the content of that file. That is the usual way to give a container a secret that
 * `docker inspect` does not show. If `NAME` is set too, it wins.
 *
 * @param names the variables that may come from a file
 */
export function readFileVariables(env: Environment, names: readonly string[]): Environment | Refused {
  const read: Record<string, string | undefined> = { ...env };
  for (const name of names) {
    const file = env[`${name}_FILE`];
    if (file === undefined || file === '') continue;
    delete read[`${name}_FILE`];
    if (read[name] !== undefined && read[name] !== '') continue;
    try {
      read[name] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      return { refused: `${name}_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
  return read;
}
