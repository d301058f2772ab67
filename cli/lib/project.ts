import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from './cli.ts';
import { Failure } from './failure.ts';

/** The folder of the service's sources that this command is of; null: it is installed as a package, without them. */
export function projectFolder(): string | null {
  const root = packageFolder();
  // Node runs no TypeScript in there.
  const isInstalled = root.split(path.sep).includes('node_modules');
  return !isInstalled && existsSync(path.join(root, 'start', 'main.ts')) ? root : null;
}

/** As `projectFolder`. @throws Failure when there is none */
export function needProject(what: string): string {
  const folder = projectFolder();
  if (folder !== null) return folder;
  throw new Failure(
    `${what} needs the service’s sources, which this installation does not have`,
    'Use the command of a clone of CC-Docker, after `npm install` there.',
  );
}

/** The version of CC-Docker that this command is of. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(path.join(packageFolder(), 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** What the service of these sources would have as its environment: ours, and the project's `.env`. */
export function serviceEnvironment(project: string | null, env: Environment): Environment {
  const file = project === null ? null : path.join(project, '.env');
  const fromFile = file !== null && existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  const set = Object.entries({ ...fromFile, ...env }).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(set);
}

/** The URL of a service on this machine, as these settings have it. */
export function localServiceUrl({ HOST: host = '127.0.0.1', PORT: port = '8000' }: Environment): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** The folder of the package: sources and what is built of them are at different depths of it. */
function packageFolder(): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`${import.meta.dirname} is in no package`);
  }
}
