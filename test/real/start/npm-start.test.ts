import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { LOCAL_OWNER } from '../../../start/settings/login-code.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { Client } from '../../support/e2e/client.ts';
import { until } from '../../support/until.ts';
import { Receiver } from '../../support/net/receiver.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';

/** The service as a person starts it, on the process backend, with the real `claude` and the demo model. */

let folder: string;
const started: ChildProcess[] = [];
beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-start-'))));
afterEach(async () => {
  for (const service of started.splice(0)) {
    service.kill('SIGTERM');
    await ended(service);
  }
  await until(() => expect(leftovers()).toEqual([]));
  await rm(folder, { recursive: true, force: true });
});

const data = () => path.join(folder, 'data');

function start(args: string[] = [], env: Record<string, string> = {}) {
  const service = spawn(process.execPath, [path.join(PROJECT, 'start', 'main.ts'), ...args], {
    cwd: PROJECT,
    env: {
      ...nodeEnvironment(),
      HOME: folder,
      TMPDIR: folder,
      PORT: '0',
      CC_DOCKER_DATA: data(),
      RUNNER_BACKEND: 'process',
      // Of a developer's own .env none shall count.
      ANTHROPIC_API_KEY: '',
      ANTHROPIC_AUTH_TOKEN: '',
      CLAUDE_CODE_OAUTH_TOKEN: '',
      ANTHROPIC_BASE_URL: '',
      JWT_SECRET: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(service);
  const output = { stdout: '', stderr: '' };
  service.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  service.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return { service, output };
}

function ended(service: ChildProcess): Promise<number | null> {
  if (service.exitCode !== null || service.signalCode !== null) return Promise.resolve(service.exitCode);
  return new Promise((resolve) => service.once('close', (code) => resolve(code)));
}

/** Processes whose command line or environment names this test's folder. */
function leftovers(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const known = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')).join('\0');
        return known.includes(folder) ? [known.split('\0', 3).join(' ')] : [];
      } catch {
        // It just ended.
        return [];
      }
    });
}

interface OtlpSpan {
  traceId: string;
  name: string;
}

/** The spans of the prompt's trace, each with the part that sent it. */
function spansOf({ posts }: Receiver): string[] {
  const traces = posts.filter(({ path: to }) => to === '/v1/traces');
  const all = traces.map(({ body }) => ({
    part: /cc-docker-(edge|runner|container)/.exec(body)?.[1],
    ...spansIn(body),
  }));
  const trace = all.flatMap(({ spans }) => spans).find(({ name }) => name.startsWith('invoke_agent'))?.traceId;
  return all.flatMap(({ part, spans }) =>
    spans.filter(({ traceId }) => traceId === trace).map(({ name }) => `${part}: ${name}`),
  );
}

function spansIn(body: string): { spans: OtlpSpan[] } {
  const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] };
  return { spans: resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)) };
}

/** What an operator sees of the prompt that has just run. */
async function isWatched(url: string): Promise<void> {
  expect(await (await fetch(`${url}/ready`)).json()).toEqual({ ready: true });
  const token = await promisify(execFile)(
    process.execPath,
    [path.join(PROJECT, 'scripts', 'token.ts'), '--sub', 'prometheus', '--scope', 'admin'],
    { env: { ...nodeEnvironment(), HOME: folder, CC_DOCKER_DATA: data(), JWT_SECRET: '' } },
  );
  const scrape = async () =>
    (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token.stdout.trim()}` } })).text();
  const metrics = await scrape();
  expect(metrics).toMatch(/^cc_docker_turns_total\{origin="user",outcome="completed"\} 1$/m);
  expect(metrics).toMatch(/^cc_docker_containers 1$/m);
  expect(metrics).toMatch(/^cc_docker_events_stored_total [1-9]/m);
  await until(async () => expect(await scrape()).toMatch(/^cc_docker_sessions\{state="idle"\} 1$/m));
  const log = await readFile(path.join(data(), 'edge.log'), 'utf8');
  const lines = log.split('\n').filter((line) => line.includes('"log":"access"'));
  expect(lines.some((line) => line.includes('"method":"POST","route":"/api/v1/sessions","status":201'))).toBe(true);
  expect(log).not.toContain('Say hello');
}

test('a prompt that fails is exit code 1, with the reason', async () => {
  const script = '```demo\n[{"error":{"status":401}}]\n```';
  const { service, output } = start(['--once', script], { CLAUDE_CODE_MAX_RETRIES: '0' });
  expect(await ended(service)).toBe(1);
  expect(output.stdout).toContain('(model_auth_failed)');
});

test('goes on serving after the prompt, refuses a second one on its data folder, and ends at Ctrl-C with no process left', async () => {
  const collector = await Receiver.start();
  onTestFinished(() => collector.stop());
  const { service, output } = start(['Say hello'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
  });
  await until(() => expect(output.stdout).toContain('still serving'));
  const url = /serves on (http\S+)/.exec(output.stdout)?.[1];
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'ok' });
  await isWatched(url ?? '');
  await until(() =>
    expect(spansOf(collector)).toEqual(
      expect.arrayContaining([
        'edge: POST /api/v1/sessions/{session_id}/chat',
        'edge: invoke_agent claude',
        'runner: chat',
        'container: claude',
      ]),
    ),
  );
  // Claude Code's own telemetry, which knows no more of it.
  await until(() =>
    expect(
      collector.posts.some(
        ({ path: to, body }) =>
          to === '/v1/logs' && body.includes('cc-docker-container') && body.includes('cc_docker.session'),
      ),
    ).toBe(true),
  );
  expect(JSON.stringify(collector.posts)).not.toContain('Say hello');
  const second = start();
  expect(await ended(second.service)).toBe(1);
  expect(second.output.stderr).toMatch(/^another `npm start` \(process \d+\) runs on [^\n]*\n$/);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  service.kill('SIGINT');
  expect(await ended(service)).toBe(0);
  expect(leftovers()).toEqual([]);
  expect(existsSync(path.join(data(), 'start.pid'))).toBe(false);
});

test('killed, it is followed at once by one that has every word, runs a prompt, and leaves the file that it names; no process is left', async () => {
  const killed = start(['```demo\n[{"text":"word ","repeat":9999,"tokens_per_second":5}]\n```']);
  await until(() => expect(killed.output.stdout).toContain('word'));
  killed.service.kill('SIGKILL');
  // The edge of the one that was killed lives until its runner has ended.
  const { service, output } = start(['Create hello.md with a haiku about containers']);
  await until(() => expect(output.stdout).toContain('still serving'));
  expect(output.stderr).toBe('');
  expect(output.stdout).toContain('NO ISOLATION');
  expect(output.stdout).toContain('DEMO');
  expect(output.stdout).toMatch(/^● Write hello\.md$/m);
  expect(output.stdout).toMatch(/^✓ done in /m);
  const files = /^files: (.+)$/m.exec(output.stdout)?.[1] ?? '';
  expect(await readFile(path.resolve(PROJECT, files, 'hello.md'), 'utf8')).not.toBe('');
  const url = /serves on (http\S+)/.exec(output.stdout)?.[1] ?? '';
  const secret = readFileSync(path.join(data(), 'development-secret'), 'utf8').trim();
  const owner = new Client(url, await mintToken(secret, { kind: 'user', sub: LOCAL_OWNER, ttlSeconds: 600 }));
  const { sessions } = (await owner.call('GET', '/sessions')).body;
  expect(sessions).toHaveLength(2);
  expect(sessions[1]).toMatchObject({ status: 'stopped', reason: { code: 'runner_draining' } });
  // The link that it prints signs a browser in as the same owner, once.
  const link = new URL(/^ +open +(http\S+)$/m.exec(output.stdout)?.[1] ?? '');
  expect(link.origin).toBe(url);
  const authorization = `Bearer ${new URLSearchParams(link.hash.slice(1)).get('code')}`;
  const headers = { authorization, origin: url, 'x-cc-docker-console': '1' };
  const signIn = () => fetch(`${url}/api/v1/console/session`, { method: 'POST', headers });
  expect(await (await signIn()).json()).toMatchObject({ sub: LOCAL_OWNER });
  expect((await signIn()).status).toBe(401);
  service.kill('SIGINT');
  expect(await ended(service)).toBe(0);
  expect(leftovers()).toEqual([]);
});

test("a malformed variable of the runner's is one line, before anything is started", async () => {
  const { service, output } = start([], { RUNNER_CAPACITY: 'many' });
  expect(await ended(service)).toBe(1);
  expect(output.stderr).toMatch(/^RUNNER_CAPACITY must be a whole number[^\n]*\n$/);
  expect(existsSync(path.join(data(), 'edge'))).toBe(false);
});
