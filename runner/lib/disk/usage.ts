import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { messageOf, type Log } from '../log.ts';

/** What files take. */
export interface Usage {
  /** On the disk: in whole blocks. */
  bytes: number;
  /** Files, folders and links: each takes an inode. */
  files: number;
}

/** What all files of a session may take. */
export interface WorkspaceLimits {
  mb: number;
  /** Files, folders and links. */
  files: number;
}

/**
 * What the files in these folders take. A file with two names counts once, other file systems below do not count, and no
 * link is followed.
 *
 * @throws when they cannot be measured, such as a folder that is missing
 */
export type Measure = (folders: readonly string[], signal?: AbortSignal) => Promise<Usage>;

/**
 * In a user namespace of its own, a program has root's rights over the files of the user who runs it, and over no others. So
 * it reads folders that this user has closed (`chmod 000`), and changes nothing of them.
 */
const OWN_NAMESPACE = ['unshare', '--user', '--map-root-user', '--'];

export interface MeasureOptions {
  /** Measures with root's rights, where the kernel gives users no namespaces; undefined: nothing can. */
  privileged?: Measure | undefined;
  log: Log;
}

/**
 * Measures by `du`, which looks at a hundred thousand files in a tenth of a second. Folders that are closed to the runner,
 * because it is not root, are measured as well.
 */
export function measureWith({ privileged, log }: MeasureOptions): Measure {
  let warned = false;
  return async (folders, signal) => {
    const seen = await diskUsage([], folders, signal);
    if (!seen.closed) return seen.usage;
    const problems: unknown[] = [];
    try {
      const { closed, usage } = await diskUsage(OWN_NAMESPACE, folders, signal);
      if (!closed) return usage;
      problems.push('a namespace does not open them');
    } catch (error) {
      signal?.throwIfAborted();
      problems.push(messageOf(error));
    }
    try {
      if (privileged !== undefined) return await privileged(folders, signal);
    } catch (error) {
      signal?.throwIfAborted();
      problems.push(messageOf(error));
    }
    // The rest counts, and the disk's floor holds for all of it.
    if (!warned) log.warn('folders that agents have closed are not measured', { problems });
    warned = true;
    return seen.usage;
  };
}

/** @param as the program, with its arguments, that `du` is run by */
async function diskUsage(
  as: readonly string[],
  folders: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ usage: Usage; closed: boolean }> {
  const [kilobytes, files] = await Promise.all([
    du([...as, 'du', '-skx'], folders, signal),
    du([...as, 'du', '-sx', '--inodes'], folders, signal),
  ]);
  return {
    usage: { bytes: kilobytes.sum * 1024, files: files.sum },
    closed: kilobytes.closed || files.closed,
  };
}

/** The sum of what `du` says of each folder, and whether it was kept out of one in it. */
async function du(
  [program = '', ...options]: readonly string[],
  folders: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ sum: number; closed: boolean }> {
  const child = spawn(program, [...options, '--', ...folders], {
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [output, closed] = await Promise.all([text(child.stdout), saysDenied(child.stderr), once(child, 'close')]);
  // For files that were removed while it ran, `du` writes to stderr and exits with 1. It has counted the rest.
  return { sum: sumOf(output, folders.length), closed };
}

/** Whether a program was denied something. An agent can close a million folders, so what it says is not kept. */
async function saysDenied(errors: AsyncIterable<Buffer>): Promise<boolean> {
  const words = ': Permission denied\n';
  let denied = false;
  let last = '';
  for await (const chunk of errors) {
    const seen = last + chunk.toString('latin1');
    denied ||= seen.includes(words);
    last = seen.slice(-words.length);
  }
  return denied;
}

/** The sum of the lines of `du`. @throws when they are not as many as the folders */
export function sumOf(output: string, folders: number): number {
  const sums = output
    .split('\n')
    .map((line) => Number.parseInt(line, 10))
    .filter(Number.isFinite);
  if (sums.length !== folders) throw new Error(`du has measured ${sums.length} of ${folders} folders`);
  return sums.reduce((sum, one) => sum + one, 0);
}
