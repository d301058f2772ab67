import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mintToken } from './mint-token.ts';
import { isRefused } from '../lib/refused.ts';
import { ensureSecret } from './secret.ts';
import { parseSettings } from './settings.ts';

/**
 * `docker-compose.yml`'s first step: makes what its services prove themselves to each other with, each in a volume that
 * only those have who need it. What is there already stays, but for the runner's token, which expires.
 *
 * `node start/settings/compose-secrets.ts RUNNER_FOLDER STORAGE_FOLDER`
 */

const RUNNER = 'compose';
const RUNNER_TOKEN_SECONDS = 3650 * 86_400;

function write(file: string, value: string): void {
  // Written whole, then named: a crash in between leaves no half a secret.
  writeFileSync(`${file}.new`, value, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  chmodSync(file, 0o400);
}

function keep(file: string, value: () => string): void {
  if (!existsSync(file)) write(file, value());
}

const [runnerFolder, storageFolder] = process.argv.slice(2);
if (runnerFolder === undefined || storageFolder === undefined)
  throw new Error('usage: compose-secrets.ts RUNNER_FOLDER STORAGE_FOLDER');
const settings = parseSettings(process.env);
const secret = isRefused(settings) ? settings : ensureSecret(settings);
if (isRefused(secret)) {
  console.error(secret.refused);
  process.exit(1);
}
for (const folder of [runnerFolder, storageFolder]) mkdirSync(folder, { recursive: true });
write(
  path.join(runnerFolder, 'token'),
  await mintToken(secret.value, { kind: 'runner', sub: RUNNER, ttlSeconds: RUNNER_TOKEN_SECONDS }),
);
keep(path.join(storageFolder, 'user'), () => 'cc-docker');
keep(path.join(storageFolder, 'password'), () => randomBytes(30).toString('base64url'));
