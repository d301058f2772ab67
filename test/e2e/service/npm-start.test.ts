import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { until } from '../../support/until.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';

describeDocker('npm start, where there is an engine', ({ docker, host, image }) => {
  let folder: string;
  let service: ChildProcess | undefined;
  let output = '';

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-start-'));
    await chmod(folder, 0o711);
  });
  afterEach(async () => {
    service?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  test('runs a prompt in a container; Ctrl-C leaves no container behind', async () => {
    service = spawn(
      process.execPath,
      [path.join(PROJECT, 'start', 'main.ts'), 'Create hello.md with a haiku about containers'],
      {
        cwd: PROJECT,
        env: {
          ...nodeEnvironment(),
          HOME: folder,
          PORT: '0',
          CC_DOCKER_DATA: path.join(folder, 'data'),
          ...(host === undefined ? {} : { DOCKER_HOST: host }),
          SESSION_IMAGE: image,
          // Of a developer's own .env none shall count.
          RUNNER_BACKEND: '',
          ANTHROPIC_API_KEY: '',
          ANTHROPIC_AUTH_TOKEN: '',
          CLAUDE_CODE_OAUTH_TOKEN: '',
          ANTHROPIC_BASE_URL: '',
          JWT_SECRET: '',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    service.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until(() => expect(output).toContain('still serving'));
    expect(output).toContain(`docker (${image})`);
    const session = /^session ([0-9a-f-]{36})$/m.exec(output)?.[1] ?? '';
    const file = path.join(folder, 'data', 'runner', 'sessions', session, 'workspace', 'hello.md');
    expect(await readFile(file, 'utf8')).not.toBe('');
    const containers = async () =>
      await docker.listContainers({ all: true, filters: { label: [`cc-docker.session=${session}`] } });
    expect(await containers()).toHaveLength(1);
    const ended = once(service, 'exit');
    service.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(await containers()).toEqual([]);
  });
});
