import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isMissing } from '../lib/file-error.ts';
import type { Refused } from '../lib/refused.ts';
import type { Settings } from './settings.ts';

/** The secret that signs tokens, and where it comes from. */
export type JwtSecret =
  | { readonly value: string; readonly from: 'environment' }
  | { readonly value: string; readonly from: 'development'; readonly file: string };

type SecretSettings = Pick<Settings, 'jwtSecret' | 'dataFolder'>;

/** The file of the development secret, which `npm start` makes when JWT_SECRET is not set. */
export function developmentSecretFile(dataFolder: string): string {
  return path.join(dataFolder, 'development-secret');
}

/** `JWT_SECRET`, or the development secret of an earlier start. Refuses when there is neither. */
export function findSecret(settings: SecretSettings): JwtSecret | Refused {
  return (
    existingSecret(settings) ?? {
      refused: 'no secret: set JWT_SECRET, or run `npm start` once, which makes one for development',
    }
  );
}

/** Like `findSecret`, but makes the development secret when there is none. Only for `npm start`. */
export function ensureSecret(settings: SecretSettings): JwtSecret | Refused {
  const existing = existingSecret(settings);
  if (existing !== undefined) return existing;
  const file = developmentSecretFile(settings.dataFolder);
  const value = randomBytes(48).toString('base64url');
  mkdirSync(settings.dataFolder, { recursive: true, mode: 0o700 });
  // Write it under another name, then rename it: a crash must not leave an incomplete secret.
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${value}\n`, { mode: 0o600 });
  renameSync(temporary, file);
  return { value, from: 'development', file };
}

function existingSecret({ jwtSecret, dataFolder }: SecretSettings): JwtSecret | Refused | undefined {
  if (jwtSecret !== undefined) return { value: jwtSecret, from: 'environment' };
  const file = developmentSecretFile(dataFolder);
  let value: string;
  try {
    value = readFileSync(file, 'utf8').trim();
    chmodSync(file, 0o600);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  if (!/^[\w-]{64}$/.test(value)) return { refused: `${file} is damaged: remove it, and the next start makes another` };
  return { value, from: 'development', file };
}
