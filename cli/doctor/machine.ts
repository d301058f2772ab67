import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../lib/cli.ts';
import { bytes } from '../output/quantities.ts';
import { bad, note, ok, type Finding } from './check.ts';

const CREDENTIALS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'];
/** Less free space than this stops new work (`DISK_FLOOR_MB`), unless it is set. */
const FLOOR_MB = 1024;
/** An image and a few sessions take this much. */
const COMFORTABLE_BYTES = 10e9;

/** The Node that the command runs on, which is the service's as well. */
export function checkNode(): Finding {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return ok('Node', node);
  return bad('Node', `${node} is too old: 22.18 is needed`, 'npm install, which brings one along');
}

/** Free space where the service keeps its state. */
export async function checkDisk(project: string, env: Environment): Promise<Finding> {
  let folder = path.resolve(project, env['CC_DOCKER_DATA'] ?? '.cc-docker');
  const shown = folder;
  while (!existsSync(folder)) folder = path.dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const floor = Number(env['DISK_FLOOR_MB'] ?? FLOOR_MB) * 1024 * 1024;
  const detail = `${bytes(free)} free at ${shown}`;
  if (free < floor)
    return bad(
      'disk',
      `${detail}: below that floor no new work begins`,
      'docker system prune, or remove sessions with `cc-docker rm`',
    );
  return free < COMFORTABLE_BYTES
    ? note('disk', `${detail}, which is little`, 'docker system prune')
    : ok('disk', detail);
}

/** Whether the service could listen. @param isServed something answers there as CC-Docker does */
export async function checkPort(
  { HOST: host = '127.0.0.1', PORT: port = '8000' }: Environment,
  isServed: boolean,
): Promise<Finding> {
  if (isServed) return ok('port', `${port}: the service has it`);
  const probe = createServer();
  try {
    probe.listen({ host, port: Number(port), exclusive: true });
    await once(probe, 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const other = `PORT=${Number(port) + 1} cc-docker start`;
    if (code === 'EADDRINUSE') return bad('port', `${port} is in use by another program`, other);
    return bad(
      'port',
      `nobody can listen on ${host}, port ${port} (${code})`,
      code === 'EACCES' ? other : 'HOST=127.0.0.1 cc-docker start',
    );
  }
  probe.close();
  await once(probe, 'close');
  return ok('port', `${port} is free`);
}

/** Whether the model has a credential. No value is read, only which one is set. */
export function checkModel(env: Environment): Finding {
  const set = CREDENTIALS.filter((name) => env[name] !== undefined);
  if (set.length > 0) return ok('model', `${set.join(', ')} is set`);
  if (env['ANTHROPIC_BASE_URL'] !== undefined) return ok('model', 'ANTHROPIC_BASE_URL is set, without a credential');
  return note(
    'model',
    'no credential: a scripted demo model answers',
    `Put ${CREDENTIALS[0]}=… into .env, and start again.`,
  );
}

/** The name of the image that a start here would run sessions in. */
export async function imageTag(project: string, env: Environment): Promise<string | null> {
  if (env['SESSION_IMAGE'] !== undefined) return env['SESSION_IMAGE'];
  const script = path.join(project, 'scripts', 'image.ts');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--tag'], { cwd: project });
    return stdout.trim();
  } catch {
    // Why the sources cannot be built, a start says.
    return null;
  }
}
