import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { PorterDoor, type PorterDoorOptions } from '../../../runner/porter/porter-door.ts';
import { socketAliases } from '../../../runner/link/socket-alias.ts';
import { keptLog } from '../quiet-log.ts';
import { until } from '../until.ts';

const PORTER = fileURLToPath(new URL('../../../porter/main.ts', import.meta.url));

/** The runner's door in this folder. It is closed after the test, if it is not before. */
export async function openDoor(folder: string, options: Partial<PorterDoorOptions> = {}) {
  const aliases = socketAliases();
  const { log, lines } = keptLog();
  const door = await PorterDoor.open({
    folder: path.join(folder, 'porter'),
    listen: { host: '127.0.0.1', port: 0 },
    aliases,
    log,
    ...options,
  });
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= door.close().then(() => aliases.close()));
  onTestFinished(close);
  return { door, log, lines, close };
}

/** The environment of a porter, and nothing of this process. */
export function porterEnvironment(run: string, { address, ca }: { address: string; ca: string }, token: string) {
  return {
    CC_DOCKER_RUNNER_ADDRESS: address,
    CC_DOCKER_RUNNER_CA: ca,
    CC_DOCKER_PORTER_TOKEN: token,
    CC_DOCKER_RUN: run,
    CC_DOCKER_SESSION_USER: `${process.getuid?.() ?? 1000}:${process.getgid?.() ?? 1000}`,
    CC_DOCKER_STOP_SECONDS: '20',
  };
}

/** And of one that has the session's files: its trees are beside the run folder. */
export const withFiles = (run: string) => ({
  CC_DOCKER_WORKSPACE: `${run}-workspace`,
  CC_DOCKER_CONVERSATION: `${run}-conversation`,
  CC_DOCKER_CACHE: `${run}-cache`,
});

/** A porter as a process of its own, whose sockets are in this folder. It is killed after the test. */
export function startPorter(run: string, environment: Record<string, string>) {
  for (const made of [run, ...Object.values(withFiles(run))]) mkdirSync(made, { recursive: true });
  const child = spawn(process.execPath, [PORTER], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const ready = () =>
    until(() => {
      if (!existsSync(path.join(run, 'porter.ready'))) throw new Error(`the porter is not ready: ${said}`);
    });
  return { child, ended, ready, said: () => said };
}

/** Whether the porter's health check says that the session may start. */
export async function isHealthy(environment: Record<string, string>): Promise<boolean> {
  const [code] = await once(spawn(process.execPath, [PORTER, 'health'], { env: environment }), 'close');
  return code === 0;
}
