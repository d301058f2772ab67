import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { WORKER_BUNDLE, WRAPPER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdgePart } from '../../../../start/edge/edge-part.ts';
import { waitForRunners } from '../../../../start/edge/health.ts';
import { readWranglerConfig } from '../../../../start/edge/workerd/wrangler-config.ts';
import { LogFile } from '../../../../start/lib/log-file.ts';
import { partExit, startPart } from '../../../../start/lib/part.ts';
import { PROJECT } from '../../../../start/lib/project.ts';
import { isRefused } from '../../../../start/lib/refused.ts';
import { runnerEnvironment } from '../../../../start/runner/runner-environment.ts';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { Client } from '../../../support/e2e/client.ts';
import { WAIT_MS } from '../../../support/patience.ts';

const SECRET = 'a-secret-for-this-test-alone-0123456789';

/** Programs of one version: the edge's and the runner's files. */
export interface Programs {
  readonly worker: string;
  readonly wrangler: string;
  readonly runner: string;
  readonly wrapper: string;
}

export const OURS: Programs = {
  worker: WORKER_BUNDLE,
  wrangler: path.join(PROJECT, 'wrangler.toml'),
  runner: path.join(PROJECT, 'runner', 'main.ts'),
  wrapper: WRAPPER_BUNDLE,
};

/** An edge as `npm start` runs it, until the test has ended. */
export async function startEdge(
  { worker, wrangler }: Programs,
  data: string,
  port = 0,
  vars: Record<string, string> = {},
) {
  const edge = await startEdgePart({
    worker,
    config: readWranglerConfig(wrangler),
    host: '127.0.0.1',
    port,
    stateFolder: path.join(data, 'edge'),
    vars: { JWT_SECRET: SECRET, ...vars },
    say: () => {},
    log: path.join(data, 'edge.log'),
  });
  if (isRefused(edge)) throw new Error(edge.refused);
  onTestFinished(async () => await edge.stop());
  const client = async (claims: object = {}) =>
    new Client(edge.url, await mintToken(SECRET, { kind: 'user', sub: 'alice', ttlSeconds: 3600, ...claims }));
  const clients = { alice: await client(), root: await client({ sub: 'root', scope: 'admin' }) };
  return { url: edge.url, stop: () => edge.stop(), ...clients };
}

/** A runner in a process of its own, that nobody starts again. @param docker absent: it is one without isolation */
export async function startRunner(
  { runner, wrapper }: Programs,
  edgeUrl: string,
  data: string,
  docker?: { host: string | undefined; image: string },
) {
  const token = await mintToken(SECRET, { kind: 'runner', sub: 'local', ttlSeconds: 3600 });
  const grant = {
    edgeUrl,
    token,
    backend: docker === undefined ? ('process' as const) : ('docker' as const),
    dataFolder: data,
    wrapperBundle: wrapper,
    image: docker?.image,
  };
  const env = runnerEnvironment({ RUNNER_LABELS: 'zone=a', DOCKER_HOST: docker?.host }, grant);
  const log = new LogFile(path.join(data, 'runner.log'));
  const part: ChildProcess = startPart(runner, env, log, []);
  // By SIGTERM: killed, it would leave its wrappers and their `claude` behind.
  onTestFinished(async () => {
    part.kill('SIGTERM');
    await partExit(part);
  });
  expect(await waitForRunners(edgeUrl, (runners) => runners > 0, AbortSignal.timeout(WAIT_MS))).toBe(true);
  return {
    log: async () => await readFile(path.join(data, 'runner.log'), 'utf8'),
    async end(signal: 'SIGTERM' | 'SIGKILL') {
      part.kill(signal);
      await partExit(part);
    },
  };
}
