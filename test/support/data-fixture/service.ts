import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT } from '../../../start/lib/project.ts';
import { CLAUDE, nodeEnvironment } from '../run/node-environment.ts';

export interface RunningService {
  readonly url: string;
  /** Signs the tokens that it takes. */
  readonly secret: string;
  /** Ends it with SIGTERM, and waits until it has ended. @throws when it did not end well */
  stop(): Promise<void>;
}

/**
 * `npm start` on a data folder: the process backend, the demo model, the development secret of that folder.
 *
 * @param folder has the data folder (`data`), and is the home of what runs
 * @param settings more of the service's environment
 */
export async function startService(folder: string, settings: Record<string, string>): Promise<RunningService> {
  const data = path.join(folder, 'data');
  const service = spawn(process.execPath, [path.join(PROJECT, 'start', 'main.ts')], {
    cwd: PROJECT,
    env: {
      ...nodeEnvironment(),
      CLAUDE_PATH: CLAUDE,
      HOME: folder,
      TMPDIR: folder,
      PORT: '0',
      CC_DOCKER_DATA: data,
      RUNNER_BACKEND: 'process',
      RUNNER_CAPACITY: '8',
      CLAUDE_CODE_MAX_RETRIES: '0',
      // Of a developer's own .env none shall count.
      ...Object.fromEntries(OF_A_DEVELOPER.map((name) => [name, ''])),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const [, found] = /serves on (http\S+)/.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    };
    service.stdout.on('data', read);
    service.stderr.on('data', read);
    service.once('close', () => reject(new Error(`the service did not start: ${output}`)));
  });
  return {
    url,
    secret: readFileSync(path.join(data, 'development-secret'), 'utf8').trim(),
    async stop() {
      if (service.exitCode === null && service.signalCode === null) {
        const closed = once(service, 'close');
        service.kill('SIGTERM');
        await closed;
      }
      if (service.exitCode !== 0) throw new Error(`the service ended badly: ${output}`);
    },
  };
}

const OF_A_DEVELOPER = `ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN ANTHROPIC_BASE_URL JWT_SECRET
  DISCORD_ALLOWED_USERS DISCORD_ALLOWED_ROLES STORAGE_FOLDER S3_BUCKET S3_ENDPOINT SESSION_RETENTION_DAYS STORAGE_QUOTA_MB
  SNAPSHOTS_KEPT`.split(/\s+/);
