import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A repository with one commit on `main`, in a folder of its own. */
export interface BareRepository {
  /** The folder that the repository is in, by its name. */
  readonly root: string;
  /** Runs git on it. */
  git(this: void, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** @param name its path on the server, such as `o/r.git` */
export async function makeBareRepository(name: string): Promise<BareRepository> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-git-'));
  const bare = path.join(root, name);
  const git = async (...args: string[]) => (await run('git', ['-C', bare, ...args])).stdout;
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await git('config', 'http.receivepack', 'true');
  const tree = (await git('hash-object', '-t', 'tree', '-w', '/dev/null')).trim();
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@git.test'];
  const commit = (await git(...author, 'commit-tree', tree, '-m', 'the first')).trim();
  await git('update-ref', 'refs/heads/main', commit);
  return { root, git, remove: async () => await rm(root, { recursive: true, force: true }) };
}
