import path from 'node:path';
import * as z from 'zod';
import { storageEnvironment, storageSettings } from '../../runner/storage/storage-settings.ts';
import { shownPath } from '../lib/project.ts';
import type { Refused } from '../lib/refused.ts';
import type { Environment } from '../settings/settings.ts';

const environment = z.object(storageEnvironment);

/**
 * Where the runner keeps snapshots and artifacts, in words, if that is outside of the data folder; null: it is in it. A backup
 * copies the data folder alone.
 */
export function storageElsewhere(env: Environment, dataFolder: string): { place: string | null } | Refused {
  // A variable that is set to nothing is not set, as for the runner.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success)
    return { refused: parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`).join('; ') };
  const settings = storageSettings(parsed.data);
  if (settings.kind === 's3') return { place: `the bucket ${settings.bucket} at ${settings.endpoint ?? 'AWS'}` };
  const isInside = settings.folder === null || !path.relative(dataFolder, settings.folder).startsWith('..');
  return { place: isInside ? null : `the folder ${shownPath(settings.folder ?? '')}` };
}
