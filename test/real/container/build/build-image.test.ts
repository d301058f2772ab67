import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureImage, imageTag } from '../../../../container/build/build-image.ts';
import { findClaude } from '../../../../container/build/claude-binary.ts';
import { installMcpServers } from '../../../../container/build/mcp-packages.ts';
import { FakeEngine } from './fake-engine.ts';
import { atMost } from '../../../support/patience.ts';

let engine: FakeEngine;
let folder: string;
let wrapper: string;
let progress: string[];

beforeAll(async () => {
  expect(await installMcpServers({ onProgress: console.log })).toEqual({ ok: true });
}, atMost(300));
beforeEach(async () => {
  engine = await FakeEngine.start();
  folder = await mkdtemp(join(tmpdir(), 'build-image-'));
  wrapper = join(folder, 'wrapper.mjs');
  await writeFile(wrapper, 'console.log(1);');
  progress = [];
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const request = () => ({ docker: engine.docker, wrapper, onProgress: (line: string) => progress.push(line) });
/** Puts a small file in the place of Claude Code's binary, whose 364 MiB take seconds to send. */
const small: typeof findClaude = async (architecture) => {
  const found = await findClaude(architecture);
  return found.ok ? { ok: true, path: wrapper } : found;
};
const ensure = (force = false) => ensureImage({ ...request(), force, findBinary: small });

/** As where the MCP servers cannot be downloaded. Their thousands of files then need not be sent either. */
const offline = async () =>
  await ensureImage({
    ...request(),
    installServers: async () => await Promise.resolve({ ok: false, detail: 'no network. To try again: npm ci' }),
    findBinary: small,
  });
const WITHOUT = 'WITHOUT the MCP servers of the catalogue: no network. To try again: npm ci';

describe('the image’s name', () => {
  test('stays while the wrapper stays, and changes with it', async () => {
    const first = await imageTag(wrapper);
    expect(first).toMatch(/^cc-docker\/session:[0-9a-f]{12}$/);
    expect(await imageTag(wrapper)).toBe(first);
    await writeFile(wrapper, 'console.log(2);');
    expect(await imageTag(wrapper)).not.toBe(first);
  });
});

describe('ensureImage', () => {
  test('builds a missing image from Claude Code, the wrapper, MCP servers and skills, on the host’s network, and names it latest too', async () => {
    const result = await ensureImage(request());
    const tag = await imageTag(wrapper);
    expect(result).toEqual({ ok: true, tag, built: true });
    expect([...engine.images]).toEqual([tag, 'cc-docker/session:latest']);
    expect(engine.builds[0]?.get('networkmode')).toBe('host');
    const files = engine.context.filter(({ name }) => !name.startsWith('mcp/node_modules/'));
    expect(files.map(({ name, mode }) => [name, mode])).toEqual([
      ['Dockerfile', 0o644],
      ['apt.conf', 0o644],
      ['claude', 0o755],
      ['wrapper.mjs', 0o644],
      [`node_modules/@lydell/node-pty-linux-${process.arch}/package.json`, 0o644],
      [`node_modules/@lydell/node-pty-linux-${process.arch}/pty.node`, 0o644],
      ['mcp/catalogue.json', 0o644],
      ['skills/child-status/SKILL.md', 0o644],
      ['skills/coordinate-children/SKILL.md', 0o644],
      ['skills/delegate-task/SKILL.md', 0o644],
    ]);
    expect(files[2]?.size).toBeGreaterThan(100 * 1024 * 1024);
    expect(files[3]?.size).toBe((await stat(wrapper)).size);

    // Of each MCP server what it needs to run, and neither drivers of other databases nor source maps.
    const names = engine.context.map(({ name }) => name.replace('mcp/node_modules/', ''));
    expect(names).toEqual(
      expect.arrayContaining([
        '@modelcontextprotocol/server-filesystem/dist/index.js',
        '@modelcontextprotocol/sdk/package.json',
        '@bytebase/dbhub/dist/index.js',
        'pg/package.json',
        'playwright-core/package.json',
      ]),
    );
    expect(names.filter((name) => /^(@azure|@aws-sdk|oracledb|mysql2)\/|\.map$|\.d\.ts$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('without the MCP servers’ packages it says so and builds an image of another name, and the whole one once they can be had', async () => {
    const whole = await imageTag(wrapper);
    const without = await imageTag(wrapper, false);
    expect(without).not.toBe(whole);
    expect(await offline()).toEqual({ ok: true, tag: without, built: true });
    expect(progress).toEqual([WITHOUT]);
    expect(engine.context.map(({ name }) => name).filter((name) => name.startsWith('mcp/'))).toEqual([
      'mcp/catalogue.json',
    ]);
    expect(await offline()).toEqual({ ok: true, tag: without, built: false });
    expect(progress).toHaveLength(2);
    expect(await ensure()).toEqual({ ok: true, tag: whole, built: true });
    // The whole one needs nothing any more.
    expect(await offline()).toEqual({ ok: true, tag: whole, built: false });
  });

  test('builds nothing when the image is there, unless it is forced to', async () => {
    engine.images.add(await imageTag(wrapper));
    expect(await ensure()).toMatchObject({ ok: true, built: false });
    expect(engine.builds).toHaveLength(0);
    expect(await ensure(true)).toMatchObject({ ok: true, built: true });
    expect(engine.builds[0]?.get('nocache')).toBe('true');
  });

  test('shows the steps, and little of what they print', async () => {
    engine.buildAnswer = [
      { stream: 'Step 1/2 : FROM base' },
      { stream: '\n' },
      { status: 'Pull complete', progressDetail: {}, id: 'a1' },
      { stream: 'Step 2/2 : RUN apt-get update\n' },
      { stream: 'Get:1 http://mirror/debian bookworm InRelease\nNeed to get 106 MB of archives.\n' },
      { aux: { ID: 'sha256:0' } },
    ];
    await offline();
    expect(progress).toEqual([
      WITHOUT,
      'Step 1/2: FROM base',
      '  base image: 1 layers fetched',
      'Step 2/2: RUN apt-get update',
      '  Need to get 106 MB of archives.',
    ]);
  });

  test('says that the base image cannot be fetched when the first step fails', async () => {
    engine.buildAnswer = [
      { stream: 'Step 1/9 : FROM node' },
      { error: 'lookup registry: no such host', errorDetail: { message: 'lookup registry: no such host' } },
    ];
    expect(await offline()).toEqual({
      ok: false,
      error: 'base_unavailable',
      detail: 'The base image could not be fetched: lookup registry: no such host',
    });
  });

  test('says which step failed and what it printed last', async () => {
    engine.buildAnswer = [
      { stream: 'Step 1/9 : FROM node\n' },
      { stream: 'Step 2/9 : RUN apt-get update\n' },
      { stream: 'E: Unable to locate package nonsense\n' },
      { error: 'The command returned a non-zero code: 100' },
    ];
    expect(await offline()).toEqual({
      ok: false,
      error: 'build_failed',
      detail:
        "The image's build failed at step 2: The command returned a non-zero code: 100\nE: Unable to locate package nonsense",
    });
  });

  test('says how to get the binary when none is installed for the engine’s architecture', async () => {
    engine.architecture = process.arch === 'x64' ? 'arm64' : 'amd64';
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    expect(await ensure()).toEqual({
      ok: false,
      error: 'claude_missing',
      detail: expect.stringMatching(
        new RegExp(`npm install --no-save --force @anthropic-ai/claude-code-linux-${other}@\\d+\\.\\d+\\.\\d+$`),
      ),
    });
  });

  test('refuses an engine that does not run Linux on a known architecture', async () => {
    engine.architecture = 's390x';
    expect(await ensure()).toMatchObject({
      ok: false,
      error: 'engine_unavailable',
      detail: expect.stringContaining('linux/s390x'),
    });
  });

  test('says what to do when no engine answers', async () => {
    const docker = new Docker({ socketPath: join(folder, 'none.sock') });
    expect(await ensureImage({ docker, wrapper, onProgress: () => {} })).toMatchObject({
      ok: false,
      error: 'engine_unavailable',
      detail: expect.stringMatching(/ENOENT.*Start Docker, or point DOCKER_HOST/),
    });
  });
});
