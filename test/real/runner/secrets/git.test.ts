import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { expect, test } from 'vitest';
import { scratch } from '../../../support/scratch.ts';
import { run } from '../../../support/secrets/run.ts';
import { startSession, startTlsServer } from '../../../support/secrets/servers.ts';

const TOKEN = 'ghp_canary5f1d0a7e9b3c';

/** Git's own HTTP server program, for those who have the token. */
function gitServer(root: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers.authorization !== `Basic ${btoa(`x-access-token:${TOKEN}`)}`) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const [pathname = '', query = ''] = (request.url ?? '').split('?');
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: 'agent',
        REQUEST_METHOD: request.method,
        PATH_INFO: pathname,
        QUERY_STRING: query,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        ...(request.headers['content-length'] === undefined
          ? {}
          : { CONTENT_LENGTH: request.headers['content-length'] }),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    request.pipe(backend.stdin);
    let head = '';
    const readHead = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      backend.stdout.off('data', readHead);
      const fields = head
        .slice(0, end)
        .split('\r\n')
        .map((line) => line.split(': '));
      const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200';
      for (const [name = '', value = ''] of fields) if (name !== 'Status') response.setHeader(name, value);
      response.statusCode = Number.parseInt(status, 10);
      response.write(Buffer.from(head.slice(end + 4), 'latin1'));
      backend.stdout.pipe(response);
    };
    backend.stdout.on('data', readHead);
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile());
}

test('git clones a private repository over HTTPS and pushes to it, and never holds the token', async () => {
  const session = await startSession({ github: { value: TOKEN, hosts: ['git.test:*'], as: 'git' } }, ['GitHub']);
  const root = scratch();
  const server = await startTlsServer(session.servers, 'git.test', gitServer(root));
  const author = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b.test',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b.test',
  };
  const env = { ...session.env, ...author, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' };
  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const result = await run('git', args, { env, cwd });
    expect(result, `git ${args.join(' ')}: ${result.stderr}`).toMatchObject({ code: 0 });
    expect(result.stdout + result.stderr).not.toContain(TOKEN);
    return result.stdout;
  };
  await git(root, 'init', '-q', '--bare', '-b', 'main', 'private.git');
  await git(root, 'clone', '-q', 'private.git', 'seed');
  const seed = path.join(root, 'seed');
  writeFileSync(path.join(seed, 'file.txt'), 'from the server\n');
  await git(seed, 'add', '.');
  await git(seed, 'commit', '-qm', 'first');
  await git(seed, 'push', '-q', 'origin', 'HEAD:main');

  const home = path.join(session.env.HOME, 'work');
  mkdirSync(home);
  const url = `https://git.test:${server.port}/private.git`;
  await git(home, 'clone', '-q', url, 'clone');
  const clone = path.join(home, 'clone');
  expect(readFileSync(path.join(clone, 'file.txt'), 'utf8')).toBe('from the server\n');
  // More than http.postBuffer: goes chunked, after a probing request.
  writeFileSync(
    path.join(clone, 'big.bin'),
    Buffer.alloc(3_000_000, 'abcdefghijklmnop').map((byte, index) => byte ^ ((index * 7919) % 251)),
  );
  await git(clone, 'add', '.');
  await git(clone, 'commit', '-qm', 'second');
  await git(clone, '-c', 'http.postBuffer=1024', 'push', '-q', 'origin', 'HEAD:main');
  expect(await git(path.join(root, 'private.git'), 'log', '--format=%s', 'main')).toBe('second\nfirst\n');
  expect(server.seen.some((request) => request.headers['transfer-encoding'] === 'chunked')).toBe(true);

  for (const file of filesBelow(session.env.HOME).filter((name) => name.startsWith(home)))
    expect(readFileSync(file).includes(TOKEN), file).toBe(false);
  expect(JSON.stringify(env) + session.log.join('')).not.toContain(TOKEN);
});

test('without the secret, the same clone is refused by the server', async () => {
  const session = await startSession({ github: { value: TOKEN, hosts: ['git.test:*'], as: 'git' } }, []);
  const server = await startTlsServer(session.servers, 'git.test', gitServer(scratch()));
  const env = { ...session.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' };
  const result = await run('git', ['clone', `https://git.test:${server.port}/private.git`], {
    env,
    cwd: session.env.HOME,
  });
  expect(result.code).toBe(128);
  expect(result.stderr).toContain('could not read Username');
});
