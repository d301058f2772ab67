import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type Docker from 'dockerode';
import type { Resources } from '../../../../protocol/api/session/session-config.ts';
import type { LaunchEnvironment } from '../../../../protocol/link/environment/environment.ts';
import { engineProblem, engineStatus } from '../../../backend/docker-error.ts';
import { removeFolder } from '../../../lib/disk/remove-folder.ts';
import type { Measure } from '../../../lib/disk/usage.ts';
import type { Log } from '../../../lib/log.ts';
import type { Owner } from '../../../lib/session-folders.ts';
import type { SocketAliases } from '../../../link/socket-alias.ts';
import { PROXY_SOCKET } from '../../container/launch-file.ts';
import { openSessionEgress, type EgressDependencies, type EgressPlan } from '../../container/session-egress.ts';
import type { ImageFacts, ImageStore } from '../image-store.ts';
import { runBuildContainer } from './container.ts';
import type { BuildEnd, BuildLimits } from './failure.ts';
import { writeBuildFolder } from './files.ts';
import { buildSpec } from './spec.ts';

/** What all builds of a runner share. */
export interface BuildDependencies {
  docker: Docker;
  store: ImageStore;
  runnerId: string;
  owner: Owner;
  runtime: string | undefined;
  ownKernel: boolean;
  /** A folder for the files of builds that run. */
  folder: string;
  aliases: SocketAliases;
  egress: EgressDependencies;
  measure: Measure;
  /** Measures with root's rights; undefined: nothing does. */
  privileged: Measure | undefined;
  limits: Omit<BuildLimits, 'resources'>;
  log: Log;
}

/** One run of a build container. */
export interface BuildJob {
  id: string;
  environment: LaunchEnvironment;
  plan: EgressPlan;
  /** The session image, and what the container is made from: that one, or an image with our layer. */
  base: ImageFacts;
  from: ImageFacts;
  resources: Resources;
  limits: Omit<BuildLimits, 'resources'>;
}

export interface BuildSides {
  /** Aborted: nobody wants it any more. */
  signal: AbortSignal;
  /** `setup` has written this. */
  onOutput: (bytes: Buffer) => void;
  /** The network policy has refused a host, in words for people. At most `MOST_REFUSED` of them. */
  onRefused: (host: string, why: string) => void;
}

/** Most refused hosts that a build names. */
const MOST_REFUSED = 20;

/**
 * Makes a build container with its files and its proxy, runs it to its end, and removes all of it.
 *
 * @param use may look at the container that has ended, and keep what is in it
 * @throws when the engine does not answer, or the signal is aborted. Then too nothing is left, as far as the engine answers
 */
export async function runBuild<T>(
  given: BuildDependencies,
  job: BuildJob,
  sides: BuildSides,
  use: (ended: Omit<BuildEnd, 'output'>, container: Docker.Container) => Promise<T>,
): Promise<T> {
  const { docker, aliases, egress, folder, log, measure, runnerId, runtime, ownKernel } = given;
  const { id, environment, plan, base, from, resources, limits } = job;
  const { signal, onOutput, onRefused } = sides;
  const own = path.join(folder, id);
  const run = path.join(own, 'run');
  const refused = new Map<string, string>();
  const closing: (() => Promise<unknown>)[] = [() => removeFolder(own)];
  try {
    await mkdir(own, { recursive: true, mode: 0o700 });
    await writeBuildFolder(run, { environment, plan, egress, image: from, base, ownKernel });
    const alias = await aliases.for(run);
    closing.unshift(() => alias.release());
    const proxy = await openSessionEgress({
      plan,
      dependencies: egress,
      socketPath: path.join(alias.path, PROXY_SOCKET),
      notify: (notices) => {
        for (const notice of notices) {
          if (notice.host_notice !== 'egress' || notice.verdict !== 'refused') continue;
          const host = `${notice.host}:${notice.port}`;
          if (refused.has(host) || refused.size >= MOST_REFUSED) continue;
          refused.set(host, notice.rule);
          onRefused(host, notice.rule);
        }
      },
      log,
    });
    closing.unshift(() => proxy.close());
    signal.throwIfAborted();
    const entrypoint = from.entrypoint.slice(0, -1);
    const spec = buildSpec({
      buildId: id,
      runnerId,
      runtime,
      image: from.id,
      entrypoint,
      run,
      resources,
      imageMb: limits.imageMb,
    });
    const container = await docker.createContainer(spec);
    closing.unshift(() => removeContainer(container));
    const ended = await runBuildContainer({
      docker,
      container,
      signal,
      timeoutMs: limits.timeoutSeconds * 1000,
      limits: { mb: limits.imageMb, files: limits.files },
      measure,
      privileged: given.privileged,
      onOutput,
      log,
    });
    return await use({ ...ended, refused: [...refused].map(([host, why]) => `${host} (${why})`) }, container);
  } finally {
    for (const close of closing)
      await close().catch((error: unknown) => {
        const problem = engineProblem(error);
        log.warn('a build was not cleaned up; the next start of the runner does it', { problem });
      });
  }
}

/** With its volumes, whatever state it is in. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  await container.remove({ force: true, v: true }).catch(async (error: unknown) => {
    const status = engineStatus(error);
    if (status === 404) return;
    if (status !== 409) throw error;
    // Another removal of it is under way.
    await container.wait({ condition: 'removed' });
  });
}
