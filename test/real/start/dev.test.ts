import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { Client, script } from '../../support/e2e/client.ts';
import { freePort } from '../../support/net/free-port.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';
import { until } from '../../support/until.ts';

let service: ChildProcess | undefined;
let folder: string;
afterEach(async () => {
  service?.kill('SIGINT');
  if (service?.exitCode === null && service.signalCode === null) await once(service, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

test('npm run dev: edge and runner in one terminal; after an edit the runner is started again, and its session goes on', async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'cc-docker-dev-'));
  const data = path.join(folder, 'data');
  service = spawn(process.execPath, [path.join(PROJECT, 'start/dev/main.ts')], {
    cwd: PROJECT,
    env: {
      ...nodeEnvironment(),
      HOME: folder,
      TMPDIR: folder,
      PORT: String(await freePort('127.0.0.1')),
      CC_DOCKER_DATA: data,
      RUNNER_BACKEND: 'process',
      // Of a developer's own .env none shall count.
      ANTHROPIC_API_KEY: '',
      ANTHROPIC_AUTH_TOKEN: '',
      CLAUDE_CODE_OAUTH_TOKEN: '',
      ANTHROPIC_BASE_URL: '',
      JWT_SECRET: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [service.stdout, service.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => expect(output).toMatch(/serves on http\S+/));
  const url = /serves on (http\S+)/.exec(output)?.[1] ?? '';
  // The one that `npm run token` signs with.
  const secret = readFileSync(path.join(data, 'development-secret'), 'utf8').trim();
  const alice = new Client(url, await mintToken(secret, { kind: 'user', sub: 'alice', ttlSeconds: 3600 }));
  const id = await alice.createSession();
  expect((await alice.ask(id, script({ text: 'one' }))).result).toBe('one');
  const now = new Date();
  utimesSync(path.join(PROJECT, 'runner/main.ts'), now, now);
  await until(() => expect(output).toContain('the runner is started again'));
  expect((await alice.ask(id, script({ text: '{{prompt_count}}' }))).result).toBe('2');
  expect(output).not.toContain(secret);
});
