import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mintToken } from './mint-token.ts';
import { isRefused } from '../lib/refused.ts';
import { ensureSecret } from './secret.ts';
import { parseSettings } from './settings.ts';

/**
 * The first step of `docker-compose.yml`: makes the credentials that its services use among each other. Each credential is in
 * a volume, and only the services that need it mount that volume. Existing credentials stay, except the runner's code,
 * because it expires.
 *
 * `node start/settings/compose-secrets.ts RUNNER_FOLDER STORAGE_FOLDER`
 */

const RUNNER = 'compose';
/** The runner enrols with its code once it has started, and its image may have to be built first. It needs no other one later. */
const RUNNER_CODE_SECONDS = 86_400;

function write(file: string, value: string): void {
  // Write it under another name, then rename it: a crash must not leave an incomplete secret.
  writeFileSync(`${file}.new`, value, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  chmodSync(file, 0o400);
}

function writeIfMissing(file: string, value: () => string): void {
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
  await mintToken(secret.value, { kind: 'runner', sub: RUNNER, ttlSeconds: RUNNER_CODE_SECONDS }),
);
writeIfMissing(path.join(storageFolder, 'user'), () => 'cc-docker');
writeIfMissing(path.join(storageFolder, 'password'), () => randomBytes(30).toString('base64url'));
