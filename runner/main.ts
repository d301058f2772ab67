import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { createDemoModel } from '../demo-model/demo-model.ts';
import { containerOwner } from './backend/container-spec.ts';
import { openDataFolder, type DataFolder } from './lib/data-folder.ts';
import { createLog, messageOf, type Log } from './lib/log.ts';
import { Traces } from './lib/traces.ts';
import { proxiedAgents } from './lib/upstream-proxy/agents.ts';
import type { UpstreamProxies } from './lib/upstream-proxy/proxies.ts';
import { PACKAGES_PRESET } from './egress/presets/presets.ts';
import type { EgressDependencies } from './session/container/session-egress.ts';
import { openEnvironmentImages } from './session/environment/open-images.ts';
import { loadEgressDependencies } from './session/egress-dependencies.ts';
import type { ModelHandler } from './model/exchange.ts';
import { forwardToModel } from './model/forward.ts';
import { createModelPool } from './model/pool.ts';
import { describeUpstream, modelUpstreamEnvironment, type ModelUpstream } from './model/upstream.ts';
import { RunnerIdentity } from './identity/identity.ts';
import { RunnerKey } from './identity/runner-key.ts';
import { socketAliases } from './link/socket-alias.ts';
import type { EcsRunnerSettings } from './session/ecs-settings.ts';
import { ProcessBackend } from './backend/process-backend.ts';
import type { RunnerOptions } from './session/runner-options.ts';
import { Runner } from './session/runner.ts';
import { parseSettings, type Settings } from './session/settings.ts';
import { Snapshots } from './snapshot/snapshots.ts';
import { openStorage } from './storage/open-storage.ts';

const NO_CODE =
  'RUNNER_TOKEN is not set, and this runner has not enrolled yet: make a code with `npm run --silent token -- --kind runner --sub NAME`';

/** `npm run runner`. Exit codes: 0 after a drain; 1 when it could not start, or a second signal came. */
async function main(): Promise<void> {
  const parsed = parseSettings(process.env);
  if (!parsed.ok) return refuse(parsed.problem);
  const { settings } = parsed;
  const upstream = modelUpstreamEnvironment.safeParse(process.env);
  if (!upstream.success)
    return refuse(upstream.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '));
  const opened = openDataFolder(settings.dataFolder);
  if (!opened.ok) return refuse(opened.problem);

  const key = await RunnerKey.open(settings.dataFolder);
  if (key.name === null && settings.runnerCode === undefined) {
    opened.data.release();
    return refuse(NO_CODE);
  }

  const log = createLog(settings.logLevel);
  let runner: Runner | undefined;
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    log.info(signals === 1 ? 'draining' : 'stopping at once', { signal });
    const end = signals === 1 ? runner?.drain() : runner?.kill();
    Promise.resolve(end).then(
      () => {
        opened.data.release();
        process.exit(signals === 1 ? 0 : 1);
      },
      (error: unknown) => {
        log.error('could not end cleanly', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  log.info('runner starts', {
    edge: settings.edgeUrl,
    backend: settings.backend,
    capacity: settings.capacity,
    model: describeUpstream(upstream.data),
    // Without their credentials.
    proxies: [settings.proxies.https, settings.proxies.http].flatMap((proxy) => proxy?.name ?? []).join(', ') || 'none',
  });
  const egress = await loadEgressDependencies(settings, process.env, log);
  if (!egress.ok) {
    opened.data.release();
    return refuse(egress.problem);
  }
  const store = await openStorage(settings.storage, settings.dataFolder, log);
  runner = await Runner.start({
    settings,
    credentials: new RunnerIdentity({
      edgeUrl: settings.edgeUrl,
      key,
      code: settings.runnerCode,
      log,
      proxies: settings.proxies,
    }),
    agents: proxiedAgents(settings.proxies),
    store,
    snapshots: new Snapshots({ store, log }),
    egress: egress.dependencies,
    ...(await makeBackend(settings, opened.data, egress.dependencies, log)),
    data: opened.data,
    upstream: upstream.data,
    newModelHandler: modelHandlers(upstream.data, settings.proxies),
    version: ownVersion(),
    log,
    traces: new Traces(settings.traces, ownVersion(), log),
  });
  // It asks programs that take long. Where every session may use the preset, it is asked now, before one has to wait.
  const { fallback, ceiling } = settings.egress;
  if ([fallback, ceiling].some(({ presets }) => presets.includes(PACKAGES_PRESET))) void egress.dependencies.packages();
}

/** The one place that joins the demo model to the runner. Each session gets a demo model of its own: it counts. */
function modelHandlers(upstream: ModelUpstream, proxies: UpstreamProxies): () => ModelHandler {
  if (upstream.kind === 'demo') return () => createDemoModel();
  const forward = forwardToModel(upstream, createModelPool({ proxies }));
  return () => forward;
}

type BackendParts = Pick<RunnerOptions, 'backend' | 'liveFiles' | 'environments'>;

/** Only the packages of its own engine are loaded: all of them took a third of a runner's time to start. */
async function makeBackend(
  settings: Settings,
  data: DataFolder,
  egress: EgressDependencies,
  log: Log,
): Promise<BackendParts> {
  const { path: searchPath, wrapperBundle, claudePath, image, runtime } = settings;
  if (settings.backend === 'process')
    return {
      backend: new ProcessBackend({
        wrapperBundle,
        claudePath,
        path: searchPath,
        sessions: data.sessions,
        spares: data.spares,
        log,
      }),
    };
  if (settings.ecs !== null) return await ecsBackend(settings.ecs, settings, data, log);
  // Windows has no user ids: `containerOwner` then chooses the image's user.
  const owner = containerOwner({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  const [{ default: Docker }, { DockerBackend }] = await Promise.all([
    import('dockerode'),
    import('./backend/docker-backend.ts'),
  ]);
  const docker = new Docker();
  const container = { image, runnerId: data.runnerId, owner, runtime };
  const backend = new DockerBackend(container, log, docker);
  const { dataFolder, environments, limits } = settings;
  return {
    backend,
    environments: openEnvironmentImages({
      ...container,
      docker,
      backend,
      dataFolder,
      environments,
      limits,
      egress,
      log,
    }),
  };
}

/** With the runner's one address for the tasks of its sessions. */
async function ecsBackend(
  { ecs, endpoint, door: { address, listen, bounds }, lostAfterMs }: EcsRunnerSettings,
  { dataFolder, proxies }: Settings,
  { runnerId, sessions }: DataFolder,
  log: Log,
): Promise<BackendParts> {
  const [{ EcsBackend, TASK_OWNER }, { ecsClient }, { PorterDoor }, { TaskFiles }] = await Promise.all([
    import('./backend/ecs/ecs-backend.ts'),
    import('./backend/ecs/task-api.ts'),
    import('./porter/porter-door.ts'),
    import('./porter/task-files.ts'),
  ]);
  const aliases = socketAliases();
  const folder = path.join(dataFolder, 'porter');
  const door = await PorterDoor.open({ folder, listen, address, bounds, aliases, log });
  const files = new TaskFiles({ door, owner: TASK_OWNER, log });
  const client = ecsClient({ proxies, ...(endpoint !== undefined && { endpoint }) });
  const times = { lost: lostAfterMs };
  const backend = new EcsBackend({ client, settings: ecs, door, files, runnerId, sessions, log, times });
  return { backend, liveFiles: (sessionId) => door.files(sessionId) };
}

function ownVersion(): string {
  const manifest = readFileSync(path.join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(manifest)).version;
}

/** Ends the start for a wrong setting, with one line and no stack trace. */
function refuse(problem: string): void {
  process.stderr.write(`cc-docker runner: ${problem.replaceAll('\n', ' ')}\n`);
  process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`cc-docker runner: ${messageOf(error)}\n`);
  process.exit(1);
});
