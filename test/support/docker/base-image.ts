import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { hasImage } from '../../../container/build/build-image.ts';
import { engineError, errorText } from '../../../container/build/engine-stream.ts';
import { debianSources, readAptTransport, readSourceFiles, renderSources } from './apt-sources.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

export const BASE_IMAGE = 'node:24-bookworm-slim';
const RELEASE = 'bookworm';
const PULL_MS = 60_000;
/** Goes up with each change of what `makeRootfs` does. */
const RECIPE = 2;

export type BaseImage = { ok: true; from: 'present' | 'pulled' | 'cached' | 'made' } | { ok: false; why: string };

/**
 * Sees to it that the engine has the image that the Dockerfile begins with. Where no registry can be reached, a
 * stand-in of the same shape takes its name: Debian by debootstrap from the mirror of this machine, and the Node that
 * the lock file pins.
 */
export async function ensureBaseImage(docker: Docker, say: (line: string) => void): Promise<BaseImage> {
  if (await hasImage(docker, BASE_IMAGE)) return { ok: true, from: 'present' };
  const refusal = await pull(docker);
  if (refusal === undefined) return { ok: true, from: 'pulled' };

  const tarball = join(cacheFolder(), await tarballName());
  const cached = await exists(tarball);
  if (!cached) {
    const why = await cannotMakeRootfs();
    if (why !== undefined) return { ok: false, why: `${BASE_IMAGE} cannot be pulled (${refusal}), and ${why}` };
    say(`${BASE_IMAGE} cannot be pulled (${refusal}): making a stand-in with debootstrap`);
    await makeTarball(tarball);
  }
  const [repo, tag] = BASE_IMAGE.split(':');
  const error = await engineError(await docker.importImage(createReadStream(tarball), { repo, tag }));
  if (error !== undefined) return { ok: false, why: `the engine did not take the stand-in base image: ${error}` };
  return { ok: true, from: cached ? 'cached' : 'made' };
}

/** Why the base could not be pulled. */
async function pull(docker: Docker): Promise<string | undefined> {
  const abortSignal = AbortSignal.timeout(PULL_MS);
  try {
    return await engineError(await docker.pull(BASE_IMAGE, { abortSignal }));
  } catch (error) {
    return abortSignal.aborted ? `not done after ${PULL_MS / 1000} s` : errorText(error);
  }
}

export function cacheFolder(): string {
  const configured = process.env['CC_DOCKER_TEST_CACHE'];
  return configured ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'cc-docker-test');
}

export async function tarballName(): Promise<string> {
  const version = (await run(nodeBinary(), ['--version'])).stdout.trim();
  const sources = await readSourceFiles();
  const hash = createHash('sha256').update(JSON.stringify([RECIPE, RELEASE, version, process.arch, sources]));
  return `base-${hash.digest('hex').slice(0, 12)}.tar`;
}

async function cannotMakeRootfs(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a stand-in can only be made as root on Linux';
  try {
    await run('debootstrap', ['--version']);
  } catch {
    return 'there is no debootstrap to make a stand-in with';
  }
  const sources = debianSources(await readSourceFiles(), RELEASE);
  return sources.length > 0 ? undefined : `no apt source of this machine serves Debian ${RELEASE}`;
}

async function makeTarball(tarball: string): Promise<void> {
  await mkdir(dirname(tarball), { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'cc-docker-base-'));
  try {
    const rootfs = join(folder, 'rootfs');
    await makeRootfs(rootfs);
    const part = `${tarball}.${process.pid}`;
    await run('tar', ['-C', rootfs, '--numeric-owner', '--exclude=./dev/*', '--exclude=./proc/*', '-cf', part, '.']);
    await rename(part, tarball);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A Debian with what the official image adds: Node and npm in /usr/local, the user `node`, no manuals. */
async function makeRootfs(rootfs: string): Promise<void> {
  const sources = debianSources(await readSourceFiles(), RELEASE);
  const main = sources.find(({ suites }) => suites.includes(RELEASE));
  if (main === undefined) throw new Error(`no apt source of this machine serves Debian ${RELEASE}`);
  const keyring = '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg';
  await run('debootstrap', ['--variant=minbase', keyring, RELEASE, rootfs, main.uri], {
    maxBuffer: 2 ** 26,
    // What a crash leaves half done is thrown away: nothing has to wait for the disk.
    env: { ...process.env, DPKG_FORCE: 'unsafe-io' },
  });

  const transport = await readAptTransport(sources);
  const apt = join(rootfs, 'etc/apt');
  const trust = transport.caBundle === undefined ? '' : 'Acquire::https::CaInfo "/etc/apt/machine-ca.crt";\n';
  await writeFile(join(apt, 'sources.list'), '');
  await writeFile(join(apt, 'sources.list.d/debian.sources'), renderSources(sources));
  await writeFile(join(apt, 'apt.conf.d/90machine'), transport.settings + trust);
  if (transport.caBundle !== undefined) await writeFile(join(apt, 'machine-ca.crt'), transport.caBundle);
  // As in the official image: fewer lists to fetch, and no waiting for the disk.
  await writeFile(join(apt, 'apt.conf.d/docker-no-languages'), 'Acquire::Languages "none";\n');
  await writeFile(join(rootfs, 'etc/dpkg/dpkg.cfg.d/docker-apt-speedup'), 'force-unsafe-io\n');
  await writeFile(
    join(rootfs, 'etc/dpkg/dpkg.cfg.d/slim'),
    ['doc/*', 'man/*', 'info/*', 'locale/*'].map((path) => `path-exclude /usr/share/${path}\n`).join(''),
  );

  await run('chroot', [rootfs, 'useradd', '--uid', '1000', '--user-group', '--create-home', '-s', '/bin/bash', 'node']);
  const local = join(rootfs, 'usr/local');
  await copyFile(nodeBinary(), join(local, 'bin/node'));
  await cp(await npmFolder(), join(local, 'lib/node_modules/npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  await symlink('../lib/node_modules/npm/bin/npx-cli.js', join(local, 'bin/npx'));

  const unneeded = [
    'var/cache/apt/archives',
    'var/lib/apt/lists',
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
  ];
  for (const path of unneeded) await rm(join(rootfs, path), { recursive: true, force: true });
  await mkdir(join(rootfs, 'var/cache/apt/archives/partial'), { recursive: true });
  await mkdir(join(rootfs, 'var/lib/apt/lists/partial'), { recursive: true });
}

const nodeBinary = () => join(dirname(require.resolve('node/package.json')), 'bin/node');

/** The npm that runs this, or else the machine's. */
async function npmFolder(): Promise<string> {
  const cli = process.env['npm_execpath'] ?? (await run('which', ['npm'])).stdout.trim();
  return dirname(dirname(await realpath(cli)));
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
