import { bundleWorker, bundleWrapper } from '../../scripts/bundle.ts';
import path from 'node:path';
import { Agent, setGlobalDispatcher } from 'undici';
import { ensureImage } from '../../container/build/build-image.ts';
import { PROJECT } from '../../start/lib/project.ts';
import { isRefused, type Refused } from '../../start/lib/refused.ts';
import { ensureBaseImage } from '../../test/support/docker/base-image.ts';
import { findEngine, type TestEngine } from '../../test/support/docker/engine.ts';
import { loadLayers } from '../../test/support/docker/layer-cache.ts';
import { Service } from '../../test/support/e2e/service.ts';
import { buildFakeClaude, fakeImage } from '../fake-claude/build.ts';
import type { HostOptions } from './options.ts';

/** More than a day has: no bound is to be met that is there to be met. */
const NO_BOUNDS = {
  MAX_SESSIONS_PER_USER: '10000',
  MAX_SESSIONS_PER_HOUR: '0',
  RATE_LIMIT_PER_OWNER: '0',
  RATE_LIMIT_PER_ADDRESS: '0',
  // On a machine that has other work, a start that is late is late, and no error.
  CONTAINER_STARTUP_TIMEOUT: '1200',
  RUNNER_LOST_AFTER: '600',
};

/** What a day happens on. */
export interface Stage {
  readonly service: Service;
  readonly engine: TestEngine;
}

/**
 * Starts an engine where none answers, and edge and runner whose sessions have the fake claude.
 *
 * @param scratch a folder for what is made
 * @param onEnd gets what ends each thing that was started; to be called last to first
 */
export async function setStage(
  options: HostOptions,
  scratch: string,
  signal: AbortSignal,
  say: (line: string) => void,
  onEnd: (end: () => Promise<unknown>) => void,
): Promise<Stage | Refused> {
  // Whoever waits for an answer waits for as long as it takes.
  setGlobalDispatcher(new Agent({ headersTimeout: 0, bodyTimeout: 0 }));
  const fake = await buildFakeClaude(scratch);
  if (isRefused(fake)) return fake;
  const engine = await findEngine();
  if (!engine.ok) return { refused: engine.why };
  onEnd(engine.stop);
  const image = await sessionImageFor(engine, say);
  if (typeof image !== 'string') return image;
  signal.throwIfAborted();
  const service = await startService(options, await fakeImage(engine.docker, image, fake.path), engine);
  onEnd(() => service.stop());
  return { service, engine };
}

async function sessionImageFor(engine: TestEngine, say: (line: string) => void): Promise<string | Refused> {
  await loadLayers(engine.docker);
  const base = await ensureBaseImage(engine.docker, say);
  if (!base.ok) return { refused: base.why };
  const image = await ensureImage({ docker: engine.docker, wrapper: await bundleWrapper(), onProgress: say });
  return image.ok ? image.tag : { refused: image.detail };
}

async function startService(options: HostOptions, image: string, engine: TestEngine): Promise<Service> {
  const worker = await bundleWorker(
    'bench/lib/workers/alarms-worker.ts',
    path.join(PROJECT, 'build/alarms/worker.mjs'),
  );
  return await Service.start({
    backend: 'docker',
    image,
    worker,
    runnerEnv: {
      DOCKER_HOST: engine.host,
      RUNNER_CAPACITY: String(options.places),
      // Places alone count: a fake session needs a tenth of what a session may have.
      RUNNER_MEMORY_MB: '0',
      RUNNER_CPUS: '0',
      LOG_LEVEL: 'warn',
    },
    vars: NO_BOUNDS,
    keepsEdgeLog: true,
  });
}
