import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { Environment } from '../lib/cli.ts';
import { bad, note, ok, type Finding } from './check.ts';

/** How long an engine may take to answer, milliseconds. */
const WITHIN_MS = 3000;
/** The first version of Docker whose API has all that a sealed container needs. */
const OLDEST = 20;

const version = z.object({ Version: z.string(), Os: z.string().optional() });

/** Where the Docker engine listens, as Docker's own command finds it. */
function engineAddress({ DOCKER_HOST: host = 'unix:///var/run/docker.sock' }: Environment) {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'));
  return { host: hostname, port: port === '' ? 2375 : Number(port) };
}

/** Asks the engine. @returns its answer's status and body */
function ask(env: Environment, path: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ ...engineAddress(env), path, timeout: WITHIN_MS }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${WITHIN_MS / 1000} s`)));
    call.on('error', reject);
    call.end();
  });
}

/** The Docker engine and its version. */
export async function checkEngine(env: Environment): Promise<Finding> {
  const what = 'Docker';
  if (env['RUNNER_BACKEND'] === 'process') {
    return note(what, 'not used: RUNNER_BACKEND=process has no isolation', 'Remove RUNNER_BACKEND and start Docker.');
  }
  try {
    const { status, body } = await ask(env, '/version');
    if (status !== 200) return bad(what, `the engine answers ${status}`, 'Restart Docker.');
    const { Version } = version.parse(JSON.parse(body));
    const major = Number.parseInt(Version, 10);
    if (major < OLDEST) return bad(what, `version ${Version} is too old`, `Install Docker ${OLDEST}.10 or newer.`);
    return ok(what, `version ${Version}`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES')
      return bad(what, 'you may not use its socket', 'sudo usermod -aG docker $USER, and log in anew');
    const why = error instanceof Error ? error.message : String(error);
    return bad(
      what,
      `no engine answers (${why})`,
      'Start it: sudo systemctl start docker. Or install it: https://docs.docker.com/engine/install',
    );
  }
}

/** Whether the engine has the image that sessions run in. @param tag of the image; null: it is not known */
export async function checkImage(env: Environment, tag: string | null): Promise<Finding> {
  const what = 'image';
  if (tag === null) return note(what, 'its name is not known here');
  try {
    const { status } = await ask(env, `/images/${tag}/json`);
    if (status === 200) return ok(what, tag);
    if (env['SESSION_IMAGE'] !== undefined)
      return bad(what, `the engine has no ${tag} (SESSION_IMAGE)`, `docker pull ${tag}`);
    return note(what, `${tag} is not built yet: the first start builds it, which takes minutes`, 'npm run image');
  } catch {
    return note(what, 'not looked for: no engine answers');
  }
}
