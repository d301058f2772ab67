import { readFileSync } from 'node:fs';
import type { Refused } from '../lib/refused.ts';
import type { Environment } from './settings.ts';

/**
 * An environment in which each `NAME_FILE` has become `NAME`, with what that file holds: the usual way of giving a container
 * a secret that then shows in no `docker inspect`. A `NAME` that is set is kept.
 *
 * @param names those that may come so
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
