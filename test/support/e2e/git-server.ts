import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestCertificate } from '../certificate.ts';
import { close, listen } from '../listen.ts';

const run = promisify(execFile);

export interface GitServer {
  readonly port: number;
  /** What came in `Authorization`, a request each; null where there was none. */
  readonly authorizations: (string | null)[];
  /** Runs git on the repository itself. */
  git(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

/**
 * A private repository, `/private.git` with one commit on `main`, behind git's own HTTP server and TLS. It takes one
 * password, with any user name, as the well-known hosts do.
 */
export async function startGitServer(
  address: string,
  certificate: TestCertificate,
  password: string,
): Promise<GitServer> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-git-'));
  const bare = path.join(root, 'private.git');
  await makeRepository(bare);
  const authorizations: (string | null)[] = [];
  const server = createServer(certificate, (request, response) => {
    authorizations.push(request.headers.authorization ?? null);
    if (passwordOf(request) === password) void cgi(root, request, response);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?\n');
  });
  return {
    port: await listen(server, address),
    authorizations,
    git: async (...args) => (await run('git', ['-C', bare, ...args])).stdout,
    close: async () => {
      await close(server);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function makeRepository(bare: string): Promise<void> {
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await run('git', ['-C', bare, 'config', 'http.receivepack', 'true']);
  const tree = (await run('git', ['-C', bare, 'hash-object', '-w', '-t', 'tree', '/dev/null'])).stdout.trim();
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@git.test'];
  const commit = await run('git', ['-C', bare, ...author, 'commit-tree', tree, '-m', 'the first']);
  await run('git', ['-C', bare, 'update-ref', 'refs/heads/main', commit.stdout.trim()]);
}

function passwordOf(request: IncomingMessage): string | undefined {
  const [, encoded] = /^Basic (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : undefined;
}

/** RFC 3875, as far as `git http-backend` wants it. */
async function cgi(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://git.test');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      // The repository is of whoever runs the test, but a container's engine may run as another.
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      REMOTE_USER: 'agent',
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // A client that hangs up: the response's end says it all.
  backend.stdin.on('error', () => request.unpipe(backend.stdin));
  request.pipe(backend.stdin);
  const chunks: Buffer[] = [];
  for await (const chunk of backend.stdout) chunks.push(Buffer.from(chunk));
  const output = Buffer.concat(chunks);
  const end = output.indexOf('\r\n\r\n');
  const headers = output
    .subarray(0, end)
    .toString()
    .split('\r\n')
    .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
  response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
  response.end(output.subarray(end + 4));
}
