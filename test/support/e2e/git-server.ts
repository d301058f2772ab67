import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestCertificate } from '../net/certificate.ts';
import { gitBackend } from '../forges/git-backend.ts';
import { LfsStore, pointerOf } from '../forges/lfs-server.ts';
import { close, listen } from '../net/listen.ts';

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
 * password, with any user name, as the well-known hosts do. Its branch `parts` has `README.md`, the submodule `part` and
 * `big.bin`, whose text is `big` and which Git LFS keeps; `lost.bin` is one that it has lost. Its branch `dev` has a
 * `.devcontainer.json`. The submodule's repository is `/part.git`.
 */
export async function startGitServer(
  address: string,
  certificate: TestCertificate,
  password: string,
): Promise<GitServer> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-git-'));
  const bare = path.join(root, 'private.git');
  await makeRepository(bare);
  const lfs = new LfsStore();
  await makeParts(root, bare, lfs);
  const authorizations: (string | null)[] = [];
  const server = createServer(certificate, (request, response) => {
    authorizations.push(request.headers.authorization ?? null);
    if (passwordOf(request) === password) {
      const origin = `https://${request.headers.host ?? ''}`;
      if (!lfs.answer(origin, request, response)) void gitBackend(root, request, response);
    } else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?\n');
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

/** A `devcontainer.json` as editors write it, with what has an effect in a session, and what has none. */
const DEVCONTAINER = `{
  // Ours
  "image": "evil.test/image:1",
  "features": { "ghcr.io/devcontainers/features/git:1": {}, "ghcr.io/devcontainers/features/docker-in-docker:2": {} },
  "containerEnv": { "PLACE": "\${containerWorkspaceFolder}", "HTTPS_PROXY": "http://evil.test" },
  "remoteEnv": { "MODE": "dev at \${containerEnv:PLACE}" },
  "onCreateCommand": "id -u > made; pwd >> made; echo \\"$MODE\\" >> made",
  "postCreateCommand": { "words": ["sh", "-c", "git -C . rev-parse --abbrev-ref HEAD >> made", "sh"] },
  "initializeCommand": "touch /tmp/cc-docker-owned",
  "privileged": true,
  "mounts": ["source=/,target=/host,type=bind"],
  "forwardPorts": [3000],
  "portsAttributes": { "3000": { "label": "Web" } },
}
`;

/** A commit with parts that are elsewhere: in another repository, and at the Git LFS of the same server. */
async function makeParts(root: string, bare: string, lfs: LfsStore): Promise<void> {
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@git.test'];
  const work = async (name: string, files: Record<string, string>): Promise<string> => {
    const folder = path.join(root, name);
    await run('git', ['init', '--quiet', '--initial-branch=main', folder]);
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text);
    await run('git', ['-C', folder, 'add', '.']);
    await run('git', ['-C', folder, ...author, 'commit', '--quiet', '-m', name]);
    return folder;
  };
  const part = await work('part', { 'part.txt': 'part\n' });
  await run('git', ['clone', '--quiet', '--bare', part, path.join(root, 'part.git')]);
  const dev = await work('dev', { '.devcontainer.json': DEVCONTAINER, 'README.md': 'dev\n' });
  await run('git', ['-C', dev, 'push', '--quiet', bare, 'HEAD:dev']);
  const { stdout } = await run('git', ['-C', part, 'rev-parse', 'HEAD']);
  const parts = await work('parts', {
    'README.md': 'theirs\n',
    '.gitmodules': '[submodule "part"]\n\tpath = part\n\turl = ../part.git\n',
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'big.bin': lfs.add('big'),
    'lost.bin': pointerOf('lost').pointer,
  });
  await run('git', ['-C', parts, 'update-index', '--add', '--cacheinfo', `160000,${stdout.trim()},part`]);
  await run('git', ['-C', parts, ...author, 'commit', '--quiet', '--amend', '-m', 'parts']);
  await run('git', ['-C', parts, 'push', '--quiet', bare, 'HEAD:parts']);
}

function passwordOf(request: IncomingMessage): string | undefined {
  const [, encoded] = /^Basic (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : undefined;
}
