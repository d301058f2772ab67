import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { buildContext, type ContextFile } from './build-context.ts';
import { buildProgress } from './build-progress.ts';
import { claudeVersion, findClaude } from './claude-binary.ts';
import { engineEvents, errorText, isNotFound } from './engine-stream.ts';
import type { Installed } from './install-packages.ts';
import { CATALOGUE, installMcpServers, MCP_LOCK, mcpFiles } from './mcp-packages.ts';
import { findPty, ptyVersion } from './pty-binary.ts';
import { skillFiles } from './skill-files.ts';

export const IMAGE_NAME = 'cc-docker/session';
const DOCKERFILE = fileURLToPath(new URL('../Dockerfile', import.meta.url));
const APT_CONF = fileURLToPath(new URL('../apt.conf', import.meta.url));

export interface ImageRequest {
  docker: Docker;
  /** The bundled wrapper, a file. */
  wrapper: string;
  /** Gets a short line for each step that is worth showing. */
  onProgress: (line: string) => void;
  /** Build anew, without the engine's layer cache, even when the image is there. */
  force?: boolean;
  /** Ends the build: `ensureImage` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Gets the MCP servers' packages; from npm's registry unless given. */
  installServers?: typeof installMcpServers;
  /** Finds Claude Code's binary; among the installed packages unless given. */
  findBinary?: typeof findClaude;
}

type ImageError = 'engine_unavailable' | 'claude_missing' | 'terminal_missing' | 'base_unavailable' | 'build_failed';
export type ImageResult = { ok: true; tag: string; built: boolean } | { ok: false; error: ImageError; detail: string };

/**
 * The image's name, by what it is made of: the Dockerfile, apt's settings, the wrapper, the catalogue of MCP servers and the skills, and the versions of
 * Claude Code, of node-pty and of the servers' packages. Its parts unchanged, the name is the same, on any machine.
 *
 * @param servers false: of the image without the MCP servers' packages
 */
export async function imageTag(wrapper: string, servers = true): Promise<string> {
  const hash = createHash('sha256');
  const skills = await skillFiles();
  const paths = [DOCKERFILE, APT_CONF, CATALOGUE, ...(servers ? [MCP_LOCK] : []), wrapper];
  const files = await Promise.all([...paths, ...skills.map(({ path }) => path)].map((file) => readFile(file)));
  const names = skills.map(({ name }) => name);
  for (const part of [...files, await claudeVersion(), await ptyVersion(), ...names]) {
    hash.update(`${part.length}\n`).update(part);
  }
  return `${IMAGE_NAME}:${hash.digest('hex').slice(0, 12)}`;
}

/**
 * Sees to it that the engine has the image for sessions, building it when it is missing; also tags it `latest`. Where the MCP servers' packages
 * cannot be had the image is built without them, says so, and has another name: the next time the whole one is tried again.
 */
export async function ensureImage(request: ImageRequest): Promise<ImageResult> {
  const { docker, wrapper, force = false, signal, onProgress } = request;
  const { installServers = installMcpServers, findBinary = findClaude } = request;
  const engine = await engineArchitecture(docker);
  if (!engine.ok) return { ok: false, error: 'engine_unavailable', detail: engine.detail };

  let tag = await imageTag(wrapper);
  let built = false;
  if (force || !(await hasImage(docker, tag))) {
    const claude = await findBinary(engine.architecture);
    if (!claude.ok) return { ok: false, error: 'claude_missing', detail: claude.detail };
    const pty = await findPty(engine.architecture);
    if (!pty.ok) return { ok: false, error: 'terminal_missing', detail: pty.detail };
    const servers = await installServers({ onProgress, ...(signal && { signal }) });
    if (!servers.ok) {
      onProgress(`WITHOUT the MCP servers of the catalogue: ${servers.detail}`);
      tag = await imageTag(wrapper, false);
    }
    if (force || servers.ok || !(await hasImage(docker, tag))) {
      const failure = await build(request, tag, { claude: claude.path, pty: pty.files, servers });
      signal?.throwIfAborted();
      if (failure !== undefined) return { ok: false, ...failure };
      built = true;
    }
  }
  await docker.getImage(tag).tag({ repo: IMAGE_NAME, tag: 'latest' });
  return { ok: true, tag, built };
}

/** The proxies of this machine, which apt and npm need within the build too. */
function proxyArguments(): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Whether the engine has an image of this name. */
export async function hasImage(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

type Engine = { ok: true; architecture: 'x64' | 'arm64' } | { ok: false; detail: string };

/** Asks the engine, not this machine: a Mac's engine runs Linux, and an engine may be elsewhere. */
async function engineArchitecture(docker: Docker): Promise<Engine> {
  try {
    const { Os, Arch } = await docker.version();
    if (Os === 'linux' && Arch === 'amd64') return { ok: true, architecture: 'x64' };
    if (Os === 'linux' && Arch === 'arm64') return { ok: true, architecture: 'arm64' };
    return { ok: false, detail: `The Docker engine runs ${Os}/${Arch}; sessions need linux/amd64 or linux/arm64.` };
  } catch (error) {
    const denied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    const remedy = denied
      ? 'This user may not use its socket: join the group that owns it (docker).'
      : 'Start Docker, or point DOCKER_HOST at a running engine.';
    return { ok: false, detail: `No Docker engine answers: ${errorText(error)}. ${remedy}` };
  }
}

async function build(
  { docker, wrapper, onProgress, force, signal }: ImageRequest,
  tag: string,
  { claude, pty, servers }: { claude: string; pty: ContextFile[]; servers: Installed },
): Promise<{ error: ImageError; detail: string } | undefined> {
  const files: ContextFile[] = [
    { name: 'Dockerfile', path: DOCKERFILE, mode: 0o644 },
    { name: 'apt.conf', path: APT_CONF, mode: 0o644 },
    { name: 'claude', path: claude, mode: 0o755 },
    { name: 'wrapper.mjs', path: wrapper, mode: 0o644 },
  ];
  const context = buildContext([...files, ...pty, ...(await mcpFiles(servers.ok)), ...(await skillFiles())]);
  // A context that breaks off would leave the request waiting for the rest of it.
  const broken = new AbortController();
  const read = context.done.catch((error: unknown) => broken.abort(error));
  const progress = buildProgress(onProgress);
  try {
    const answer = await docker.buildImage(context.tar, {
      t: tag,
      // The steps reach their mirrors as the host does. An engine without a bridge has no other way, and with one
      // it makes no difference; what runs in the finished image has no network at all.
      networkmode: 'host',
      forcerm: true,
      nocache: force === true,
      // The engine knows these arguments by itself: they reach each step, and neither the image nor its history keeps them.
      buildargs: proxyArguments(),
      abortSignal: AbortSignal.any(signal === undefined ? [broken.signal] : [broken.signal, signal]),
    });
    for await (const event of engineEvents(answer)) progress.take(event);
    await read;
  } catch (error) {
    return { error: 'build_failed', detail: errorText(broken.signal.aborted ? broken.signal.reason : error) };
  } finally {
    context.tar.destroy();
  }
  const failure = progress.failure();
  if (failure === undefined) return undefined;
  // The first step only fetches the base.
  return failure.step <= 1
    ? { error: 'base_unavailable', detail: `The base image could not be fetched: ${failure.detail}` }
    : { error: 'build_failed', detail: `The image's build failed at step ${failure.step}: ${failure.detail}` };
}
