import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { processStart } from '../../../runner/lib/process-identity.ts';
import { FakeEdge } from '../../support/runner/fake-edge.ts';
import { FAKE_WRAPPER } from '../../support/runner/fake-wrapper-bundle.ts';
import { launchOf, sessionId } from '../../support/runner/running-runner.ts';
import { scratch } from '../../support/scratch.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';

const MAIN = path.join(import.meta.dirname, '../../../runner/main.ts');
const KEY = { session_id: sessionId(1), epoch: 1 };

/** `npm run runner` with this environment and nothing of the tests' own. */
function runMain(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...nodeEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const exit = once(child, 'close').then(([code]) => ({ code, output }));
  return { child, exit };
}

async function runOnProcesses() {
  const edge = await FakeEdge.start();
  onTestFinished(async () => await edge.close());
  const running = runMain({
    EDGE_URL: edge.url,
    RUNNER_TOKEN: 'the-runners-token',
    RUNNER_BACKEND: 'process',
    CC_DOCKER_DATA: scratch(),
    WRAPPER_BUNDLE: FAKE_WRAPPER,
    CLAUDE_PATH: process.execPath,
    ANTHROPIC_API_KEY: 'the-real-credential',
  });
  await edge.frame('hello');
  return { edge, ...running };
}

test.each([
  ['a missing token', { SESSION_IMAGE: 'i' }, 'RUNNER_TOKEN'],
  ['a malformed capacity', { SESSION_IMAGE: 'i', RUNNER_TOKEN: 't', RUNNER_CAPACITY: 'x' }, 'RUNNER_CAPACITY'],
  ['a malformed model URL', { SESSION_IMAGE: 'i', RUNNER_TOKEN: 't', ANTHROPIC_BASE_URL: 'x' }, 'ANTHROPIC_BASE_URL'],
  ['a proxy that is none', { SESSION_IMAGE: 'i', RUNNER_TOKEN: 't', HTTPS_PROXY: 'socks5://me:pw@a:1' }, 'HTTPS_PROXY'],
])('%s is one line that names the variable, and exit 1', async (_, env, name) => {
  const { code, output } = await runMain({ ...env, CC_DOCKER_DATA: scratch() }).exit;
  expect(code).toBe(1);
  expect(output).toMatch(new RegExp(`^cc-docker runner: ${name} [^\n]+\n$`));
});

test('SIGTERM drains: the pool hears why, no process is left, exit 0, and no secret was logged', async () => {
  const { edge, child, exit } = await runOnProcesses();
  edge.order({ kind: 'launch', launch: launchOf(KEY) });
  edge.prompt(KEY.session_id, 'spawn');
  const line = await edge.line(KEY.session_id, (said) => said.startsWith('spawned '));
  child.kill('SIGTERM');
  expect(await edge.frame('ended')).toMatchObject({ ...KEY, reason: { code: 'runner_draining' } });
  const { code, output } = await exit;
  expect(code).toBe(0);
  expect(processStart(Number(line.split(' ')[1]))).toBeUndefined();
  expect(output).toContain('NOT isolated');
  expect(output).not.toMatch(/the-runners-token|the-real-credential/);
});

test('a second signal does not wait: exit 1, and still no process is left', async () => {
  const { edge, child, exit } = await runOnProcesses();
  edge.order({ kind: 'launch', launch: launchOf(KEY) });
  edge.prompt(KEY.session_id, 'spawn');
  edge.prompt(KEY.session_id, 'stubborn');
  await edge.line(KEY.session_id, (said) => said === 'stubborn');
  const line = await edge.line(KEY.session_id, (said) => said.startsWith('spawned '));
  child.kill('SIGINT');
  await edge.frame('draining');
  child.kill('SIGINT');
  expect((await exit).code).toBe(1);
  expect(processStart(Number(line.split(' ')[1]))).toBeUndefined();
});
