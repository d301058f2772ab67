import { chown, mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
/** The group of an engine's socket whose group is root's. No machine has it for anything else. */
const ENGINE_GROUP = 47_110;

/** A user of this machine that a runner runs as: any number will do, it need have no name. */
export interface RunnerUser {
  readonly uid: number;
  readonly gid: number;
}

/** A program with its arguments, and what is to change of its environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * What runs this Node script as another user, who is in the group that may use the engine. Only root can do so. The user may
 * not be allowed to read the folders above the repository and the engine's socket, so both are mounted where it may, in a mount
 * namespace that nobody else sees.
 *
 * @param folder of the test: the user has to be able to reach it
 * @param engine as `DOCKER_HOST`; absent: the machine's own
 */
export async function runAs(
  { uid, gid }: RunnerUser,
  script: string,
  { folder, engine = 'unix:///var/run/docker.sock' }: { folder: string; engine?: string | undefined },
): Promise<Command> {
  const socket = engine.slice('unix://'.length);
  const group = await engineGroup(socket);
  const at = { repository: path.join(folder, 'repository'), socket: path.join(folder, 'docker.sock') };
  await mkdir(at.repository, { recursive: true });
  await writeFile(at.socket, '');
  const moved = (file: string) =>
    file.startsWith(`${REPOSITORY}/`) ? path.join(at.repository, path.relative(REPOSITORY, file)) : file;
  const steps =
    'mount --bind "$1" "$2" && mount --bind "$3" "$4" && user=$5 && shift 5 && exec setpriv $user --inh-caps=-all --no-new-privs -- "$@"';
  const user = `--reuid=${uid} --regid=${gid} --groups=${group}`;
  const node = [moved(process.execPath), moved(script)];
  return {
    program: 'unshare',
    args: ['--mount', 'sh', '-c', steps, 'run-as', REPOSITORY, at.repository, socket, at.socket, user, ...node],
    // Only root may write to the repository's cache.
    env: { DOCKER_HOST: `unix://${at.socket}`, NODE_COMPILE_CACHE: path.join(folder, 'node-cache') },
  };
}

async function engineGroup(socket: string): Promise<number> {
  const { gid } = await stat(socket);
  if (gid !== 0) return gid;
  // An engine that the tests have started.
  if (!socket.startsWith('/var/tmp/')) throw new Error(`${socket} belongs to root's group, so nobody else may use it`);
  await chown(socket, 0, ENGINE_GROUP);
  return ENGINE_GROUP;
}
