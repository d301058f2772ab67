import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gitBackend } from '../forges/git-backend.ts';

/** Git's environment, without anything of the machine's. */
export const GIT_ENV = {
  PATH: '/usr/bin:/bin',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b.test',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b.test',
};

/** A repository with `hello.txt` on `main`, and another text of it on `other`, below `folder`. */
export function makeRepository(folder: string): { bare: string; head: string } {
  const work = join(folder, 'made');
  const bare = join(folder, 'repo.git');
  mkdirSync(work, { recursive: true });
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: work, env: GIT_ENV, encoding: 'utf8' });
  git('init', '-q', '-b', 'main');
  writeFileSync(join(work, 'hello.txt'), 'hello\n');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  const head = git('rev-parse', 'HEAD').trim();
  git('checkout', '-q', '-b', 'other');
  writeFileSync(join(work, 'hello.txt'), 'other\n');
  git('commit', '-q', '-a', '-m', 'second');
  git('checkout', '-q', 'main');
  git('clone', '-q', '--bare', '--no-local', work, bare);
  execFileSync('git', ['update-server-info'], { cwd: bare, env: GIT_ENV });
  return { bare, head };
}

/**
 * As `serveFiles`, with git's own HTTP server: for depth, and for commits that no branch names. Each request waits for
 * `opened`, unless `gate` has answered it.
 */
export async function serveGit(
  folder: string,
  opened: () => Promise<void> = async () => {},
  gate: Gate = () => false,
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    if (!gate(request, response)) void opened().then(() => gitBackend(folder, request, response));
  });
  return await served(server);
}

export type Gate = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the files below `folder`, which is all that git needs of a server to read. `gate` true: it has answered itself. */
export async function serveFiles(folder: string, gate: Gate = () => false): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((request, response) => {
    if (gate(request, response)) return;
    const [path = ''] = (request.url ?? '').split('?');
    try {
      response.end(readFileSync(join(folder, path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  return await served(server);
}

async function served(server: Server): Promise<AsyncDisposable & { url: string }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
