import path from 'node:path';
import type { PromptRequest } from './settings/arguments.ts';
import { banner } from './banner.ts';
import { directWays } from './edge/direct-ways.ts';
import { awaitEarlierEdge, edgeFolder, startEdgePart, type EdgePartOptions } from './edge/edge-part.ts';
import type { Edge } from './edge/edge.ts';
import { chooseBackend, findEngineApart } from './runner/engine.ts';
import { waitForRunners } from './edge/health.ts';
import { makeBundles } from './bundles.ts';
import { lockDataFolder } from './lib/lock.ts';
import { mcpServersWithoutImage } from './runner/mcp-servers.ts';
import { loginWays } from './settings/login-code.ts';
import { expectedClaims, mintToken } from './settings/mint-token.ts';
import { modelFor } from './runner/model.ts';
import { claimPort, isLoopback } from './lib/port.ts';
import { projectVersion, shownPath } from './lib/project.ts';
import { isRefused, type Refused } from './lib/refused.ts';
import {
  checkRunnerEnvironment,
  drainSeconds,
  runnerEnvironment,
  type RunnerGrant,
} from './runner/runner-environment.ts';
import { superviseRunner } from './runner/runner-part.ts';
import { ensureSecret } from './settings/secret.ts';
import { sessionImage } from './runner/session-image.ts';
import type { Environment, Settings } from './settings/settings.ts';
import { listenForStop, type StopSignals } from './lib/stop-signals.ts';
import type { Terminal } from '../cli/output/terminal.ts';

/** The runner's name: the same at each start, so that the pool knows it again. */
const RUNNER = 'local';
/** How long the code is good with which the runner enrols, at its first start. */
const RUNNER_CODE_SECONDS = 3600;
/** Longest wait for the runner's connection. Then the service is announced without it. Milliseconds. */
const RUNNER_CONNECT_MS = 15_000;

export interface ServeOptions {
  env: Environment;
  settings: Settings;
  prompt: PromptRequest | undefined;
  terminal: Terminal;
  /** How the edge is started. Absent: as in production. */
  startEdge?: (options: EdgePartOptions) => Promise<Edge | Refused>;
  /** Calls back whenever the runner's source has changed, until `signal` aborts. Absent: nobody edits it. */
  watchRunner?: (onEdit: () => void, signal: AbortSignal) => void;
}

/**
 * Runs the whole service until a signal ends it; with `--once`, until its prompt is done.
 *
 * @returns the exit code
 */
export async function serve(options: ServeOptions): Promise<number | Refused> {
  const { env, settings, terminal } = options;
  const { dataFolder, host } = settings;
  const lock = lockDataFolder(dataFolder);
  if (isRefused(lock)) return lock;
  const stop = listenForStop(env['npm_lifecycle_event'] !== undefined);
  try {
    const earlier = await awaitEarlierEdge(dataFolder, (line) => terminal.line(line, 'dim'), stop.first);
    if (stop.first.aborted) return 0;
    if (earlier !== undefined) return earlier;
    const port = await claimPort(host, settings.port);
    if (isRefused(port)) return port;
    return await runParts(options, port.port, stop);
  } finally {
    lock.release();
    stop.release();
  }
}

async function runParts(
  { env, settings, prompt, terminal, startEdge = startEdgePart, watchRunner }: ServeOptions,
  port: number,
  stop: StopSignals,
): Promise<number | Refused> {
  const { dataFolder, host } = settings;
  const say = (line: string) => terminal.line(line, 'dim');
  const secret = ensureSecret(settings);
  if (isRefused(secret)) return secret;
  const model = modelFor(env);
  if (isRefused(model)) return model;

  const [engine, bundles] = await Promise.all([findEngineApart(settings.backend), makeBundles('worker', 'wrapper')]);
  const { worker, wrapper: wrapperBundle } = bundles;
  const backend = chooseBackend(settings.backend, engine);
  const grant: Omit<RunnerGrant, 'edgeUrl' | 'token' | 'image'> = { backend, dataFolder, wrapperBundle };
  const faulty = checkRunnerEnvironment(runnerEnvironment(env, { ...grant, edgeUrl: '', token: '', image: undefined }));
  if (faulty !== undefined) return faulty;
  if (stop.first.aborted) return 0;

  const edge = await startEdge({
    worker,
    host,
    port,
    stateFolder: edgeFolder(dataFolder),
    vars: { ...settings.edgeVars, JWT_SECRET: secret.value },
    log: path.join(dataFolder, 'edge.log'),
    say: (line) => terminal.line(line, 'yellow'),
  });
  if (isRefused(edge)) return edge;
  const direct = directWays(env, settings.edgeVars);
  if (direct !== undefined) terminal.line(direct, 'yellow');

  const findImage = () => sessionImage({ env, engine, wrapperBundle, say, signal: stop.first });
  const rebuild = async (): Promise<string | undefined> => {
    await makeBundles('wrapper');
    return backend === 'docker' ? await findImage() : undefined;
  };
  let image: string | undefined;
  try {
    if (backend === 'docker') image = await findImage();
    else await mcpServersWithoutImage(say, stop.first);
  } catch (error) {
    await edge.stop();
    if (stop.first.aborted) return 0;
    throw error;
  }
  const runner = superviseRunner({
    environment: async () => {
      // What the wrapper is made of may have been edited since.
      if (watchRunner !== undefined) image = await rebuild();
      const token = await mintToken(secret.value, { kind: 'runner', sub: RUNNER, ttlSeconds: RUNNER_CODE_SECONDS });
      return runnerEnvironment(env, { ...grant, edgeUrl: edge.url, token, image });
    },
    drainSeconds: drainSeconds(env),
    log: path.join(dataFolder, 'runner.log'),
    say,
    lifeline: edge.lifeline,
  });

  const over = new AbortController();
  watchRunner?.(() => runner.restart(), AbortSignal.any([stop.first, over.signal]));
  const ended = AbortSignal.any([stop.first, over.signal]);
  let code = 0;
  const connected = AbortSignal.any([ended, AbortSignal.timeout(RUNNER_CONNECT_MS)]);
  if (!(await waitForRunners(edge.url, (runners) => runners > 0, connected)) && !ended.aborted) {
    terminal.line(
      `no runner is connected yet: sessions wait for it (its log: ${shownPath(path.join(dataFolder, 'runner.log'))})`,
      'yellow',
    );
  }
  if (!ended.aborted) {
    const facts = {
      version: projectVersion(),
      url: edge.url,
      backend: backend === 'docker' ? { name: backend, image } : { name: backend },
      model,
      developmentSecret: secret.from === 'development' ? shownPath(secret.file) : undefined,
      data: shownPath(dataFolder),
      login: await loginWays(secret.value, settings.edgeVars['PUBLIC_URL'] ?? edge.url),
      exposed: isLoopback(host) ? undefined : host,
    };
    terminal.line(banner(facts, terminal));
  }
  if (prompt !== undefined && !ended.aborted) {
    const { runPrompt } = await import('./prompt/run-prompt.ts');
    const run = {
      url: edge.url,
      secret: secret.value,
      claims: expectedClaims(settings),
      request: prompt,
      dataFolder,
      terminal,
      signal: ended,
    };
    const completed = await runPrompt(run);
    if (prompt.once) {
      if (!ended.aborted) code = completed ? 0 : 1;
      over.abort();
    } else if (!ended.aborted) terminal.line(`still serving on ${edge.url}; Ctrl-C ends it`, 'dim');
  }
  await aborted(ended);

  void aborted(stop.second).then(() => runner.hurry());
  if (stop.first.aborted) say('ending: waiting for the runner to end its containers (Ctrl-C again: at once)');
  await runner.stop();
  await edge.stop();
  return code;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
