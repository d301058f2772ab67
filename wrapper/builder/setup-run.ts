import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { setImmediate as others } from 'node:timers/promises';
import { SETUP_FILE } from '../../protocol/link/environment/build-launch.ts';

/**
 * Bash reads this before the script. It says on a descriptor of its own at which line a command failed: of nested ones the
 * outermost last. Programs that the script starts know nothing of it.
 */
const PRELUDE = `unset BASH_ENV
exec {__cc_docker_lines}>&3 3>&-
trap 'echo "$LINENO" >&"$__cc_docker_lines"' ERR
`;
const PRELUDE_FILE = '/run/cc-docker-prelude';

export interface SetupEnd {
  code: number | null;
  signal: string | null;
  /** Where it failed, from 1; null: it did not, or that is not known. */
  line: number | null;
}

/**
 * Runs the script with `bash -e`. What it writes, to stdout or stderr, goes to this program's own stdout without passing through
 * here: a daemon that it leaves may hold on to that, and nobody waits for it.
 *
 * @throws when bash cannot be started
 */
export async function runSetup(env: Readonly<Record<string, string>>): Promise<SetupEnd> {
  writeFileSync(PRELUDE_FILE, PRELUDE, { mode: 0o600 });
  const child = spawn('bash', ['-eE', SETUP_FILE], {
    cwd: '/',
    env: { ...env, BASH_ENV: PRELUDE_FILE },
    stdio: ['ignore', 1, 1, 'pipe'],
  });
  let line: number | null = null;
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    const last = /(\d+)\n$/.exec(chunk.toString('latin1'))?.[1];
    if (last !== undefined) line = Math.max(1, Number(last));
  });
  // Not `close`: that waits for what it has left running.
  await once(child, 'exit');
  // What it wrote at the very end is in the pipe.
  await others();
  rmSync(PRELUDE_FILE, { force: true });
  return { code: child.exitCode, signal: child.signalCode, line: child.exitCode === 0 ? null : line };
}
