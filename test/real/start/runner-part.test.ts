import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processStart } from '../../../runner/lib/process-identity.ts';
import { PROJECT } from '../../../start/lib/project.ts';
import { superviseRunner, type RunnerPart } from '../../../start/runner/runner-part.ts';
import { until } from '../../support/until.ts';

let folder: string;
let runner: RunnerPart | undefined;
beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-runner-part-'))));
afterEach(async () => {
  await runner?.hurry();
  runner = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** A stand-in for the runner: it writes its pid at each start, then does `body`. `log(text)` writes a line. */
async function program(body: string): Promise<string> {
  const file = path.join(folder, 'runner.mjs');
  const pids = JSON.stringify(path.join(folder, 'pids'));
  await writeFile(file, `import fs from 'node:fs'; fs.appendFileSync(${pids}, process.pid + '\\n'); ${body}`);
  return file;
}

const pids = () => {
  const file = path.join(folder, 'pids');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
};
const log = () => readFileSync(path.join(folder, 'runner.log'), 'utf8');

function supervise(module: string, said: string[] = []): RunnerPart {
  runner = superviseRunner({
    environment: async () => ({ RUNNER_TOKEN: `token ${pids().length}` }),
    log: path.join(folder, 'runner.log'),
    say: (line) => said.push(line),
    module,
  });
  return runner;
}

test('a runner that crashes is started again, with a new token, and one line says so', async () => {
  const said: string[] = [];
  supervise(
    await program(`console.log(process.env.RUNNER_TOKEN, process.env.JWT_SECRET);
      if (process.env.RUNNER_TOKEN === 'token 0') { console.error('out of luck'); process.exit(7); }
      process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);`),
    said,
  );
  await until(() => expect(log()).toContain('token 1'));
  expect(said).toEqual([
    expect.stringMatching(/^the runner ended \(code 7\): out of luck; it is started again in \d+ s/),
  ]);
  expect(log()).toMatch(/^token 0 undefined$/m);
});

test('a runner is told once to drain, and waited for', async () => {
  const part = supervise(
    await program(`process.once('SIGTERM', () => setTimeout(() => { console.log('drained'); process.exit(0); }, 100));
      console.log('up'); setInterval(() => {}, 1000);`),
  );
  await until(() => expect(log()).toContain('up'));
  await part.stop();
  expect(log()).toContain('drained');
  expect(pids()).toHaveLength(1);
});

test('in a hurry it is told a second time', async () => {
  const part = supervise(
    await program(`let told = 0;
      process.on('SIGTERM', () => { told += 1; console.log('told', told); if (told === 2) process.exit(1); });
      console.log('up'); setInterval(() => {}, 1000);`),
  );
  await until(() => expect(log()).toContain('up'));
  const stopped = part.stop();
  await until(() => expect(log()).toContain('told 1'));
  await part.hurry();
  await stopped;
  expect(log()).toContain('told 2');
});

test('a runner that does not end is killed, with what it started', async () => {
  const part = supervise(
    await program(`import { spawn } from 'node:child_process';
      process.on('SIGTERM', () => {});
      console.log('child', spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).pid, 'up');
      setInterval(() => {}, 1000);`),
  );
  await until(() => expect(log()).toContain('up'));
  const child = Number(/child (\d+)/.exec(log())?.[1]);
  await part.hurry();
  await until(() => expect([...pids(), child].map(processStart)).toEqual([undefined, undefined]));
});

test('a runner drains when the process that started it is killed', async () => {
  const module = await program(`process.once('SIGTERM', () => { console.log('drained'); process.exit(0); });
    console.log('up'); setInterval(() => {}, 1000);`);
  const options = `{ environment: async () => ({}), log: ${JSON.stringify(path.join(folder, 'runner.log'))}, say() {}, module: ${JSON.stringify(module)} }`;
  const source = `import { superviseRunner } from ${JSON.stringify(path.join(PROJECT, 'start', 'runner', 'runner-part.ts'))}; superviseRunner(${options});`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'ignore' });
  await until(() => expect(existsSync(path.join(folder, 'runner.log')) && log()).toContain('up'));
  parent.kill('SIGKILL');
  await until(() => expect(log()).toContain('drained'));
});
