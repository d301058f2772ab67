import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import type { LaunchEnvironment } from '../../../protocol/link/environment/environment.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../protocol/reason.ts';
import { Label } from '../../backend/container-spec.ts';
import { engineAway, engineProblem, imageMissing } from '../../backend/docker-error.ts';
import { removeFolder } from '../../lib/disk/remove-folder.ts';
import { runnerMetrics } from '../../lib/metrics.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { planEgress } from '../container/session-egress.ts';
import { sessionImage, type SessionImage } from '../container/session-image.ts';
import { Build, type BuildResult } from './builds/build.ts';
import type { BuildEnd } from './builds/failure.ts';
import { BuildOutput } from './builds/output.ts';
import { removeContainer, runBuild, type BuildDependencies } from './builds/run-build.ts';
import { BUILD_NAME } from './builds/spec.ts';
import { foreignImage, isOurs, layeredImage } from './foreign-image.ts';
import type { StoreBounds } from './garbage.ts';
import { imageKey } from './image-key.ts';
import { ImageLabel, inspectImage, type ImageFacts } from './image-store.ts';

/** Builds at a time. Each may take as much memory as a session, and a session waits for it. */
const BUILDS = 2;
/** Of what `run` has written, so much is kept, characters: the end. */
const MOST_OUTPUT = 16 * 1024;
/** Between two looks for images that are not worth their room, milliseconds. */
const COLLECT_MS = 3_600_000;
/** A session that waits for its environment says so again after this time, milliseconds. */
const AGAIN_MS = 20_000;

export interface EnvironmentImagesOptions extends BuildDependencies {
  /** The session image by its name. */
  image: string;
  bounds: StoreBounds;
}

/** For whom an image is looked for. */
export interface ImageRequest {
  resources: Resources;
  /** Aborted: it is not wanted any more. */
  signal: AbortSignal;
  notify: (notices: RunnerNotice[]) => void;
  onWaiting: (reason: Reason) => void;
}

export type EnvironmentImage = { ok: true; image: SessionImage } | { ok: false; reason: Reason };

/** The images of environments on this runner's engine: found, or built once for all who wait. */
export class EnvironmentImages {
  readonly #options: EnvironmentImagesOptions;
  readonly #turns = new Semaphore(BUILDS);
  readonly #builds = new Map<string, Build>();
  readonly #closed = new AbortController();
  #tidied: Promise<void> | undefined;
  #collecting: Promise<void> = Promise.resolve();

  constructor(options: EnvironmentImagesOptions) {
    this.#options = options;
  }

  /** Removes what builds of an earlier runner process have left, and from now on images that are not worth their room. */
  async start(): Promise<void> {
    const { log } = this.#options;
    await this.#tidy().catch((error: unknown) => {
      log.warn('builds of an earlier runner are not removed yet', { problem: engineProblem(error) });
    });
    void this.#collectAgain();
  }

  /**
   * The image that a session of the environment starts from. It waits for a build that runs, or begins one.
   *
   * @throws when the request's signal is aborted meanwhile
   */
  async imageFor(environment: LaunchEnvironment, request: ImageRequest): Promise<EnvironmentImage> {
    const begun = performance.now();
    try {
      return await this.#imageFor(environment, request, begun);
    } catch (error) {
      request.signal.throwIfAborted();
      if (!engineAway(error)) throw error;
      const detail = `The Docker engine does not answer: ${engineProblem(error)}`;
      return { ok: false, reason: { code: 'engine_unavailable', detail } };
    }
  }

  /**
   * Runs the environment's `setup` in a build container of the session image, and keeps nothing of it but what it wrote.
   *
   * @param limits instead of those of builds
   * @throws when the request's signal is aborted, or the engine does not answer
   */
  async run(
    environment: LaunchEnvironment,
    {
      resources,
      signal,
      onOutput,
    }: Pick<ImageRequest, 'resources' | 'signal'> & { onOutput?: (bytes: Buffer) => void },
    limits: { timeoutSeconds: number; imageMb: number },
  ): Promise<{ ok: true; end: BuildEnd } | { ok: false; reason: Reason }> {
    const { docker, image: name, egress } = this.#options;
    const base = await inspectImage(docker, name);
    if (base === undefined) return { ok: false, reason: imageMissing(name) };
    const planned = await planEgress(environment, egress, true);
    if (!planned.ok) return planned;
    const job = {
      id: uuidV7(),
      environment,
      plan: planned.plan,
      base,
      from: base,
      resources,
      limits: { ...this.#options.limits, ...limits },
    };
    await this.#tidy();
    const output = new BuildOutput();
    const take = (bytes: Buffer): void => {
      output.take(bytes);
      onOutput?.(bytes);
    };
    const sides = { signal, onOutput: take, onRefused: () => {} };
    const end = await this.#turns.run(() => runBuild(this.#options, job, sides, async (ended) => ended));
    return { ok: true, end: { ...end, output: output.last(MOST_OUTPUT) } };
  }

  /** Ends the builds that run. They leave nothing. */
  async close(): Promise<void> {
    this.#closed.abort();
    const builds = [...this.#builds.values()];
    for (const build of builds) build.end();
    await Promise.all([this.#collecting, ...builds.map(({ result }) => result)]);
    await this.#options.aliases.close();
  }

  async #imageFor(environment: LaunchEnvironment, request: ImageRequest, begun: number): Promise<EnvironmentImage> {
    const { docker, store, runnerId, egress, image: name } = this.#options;
    const { signal } = request;
    const base = await inspectImage(docker, name);
    if (base === undefined) return { ok: false, reason: imageMissing(name) };
    const planned = await planEgress(environment, egress, true);
    if (!planned.ok) return planned;
    const { plan } = planned;
    const foreign = await this.#foreign(environment, base, request);
    if (foreign?.ok === false) return foreign;
    const named = foreign?.image;
    const key = imageKey({ runnerId, base: base.id, foreign: named?.id, environment, plan });
    const known = await store.find(key);
    if (known !== undefined) {
      const { name: of, revision } = environment;
      const ids = { build_id: known.labels[ImageLabel.build] ?? uuidV7(), environment: of, revision };
      const ms = Math.round(performance.now() - begun);
      request.notify([{ host_notice: 'build_ready', ...ids, cached: true, ms, bytes: known.size }]);
      runnerMetrics.count('cc_docker_runner_environment_builds_total', { outcome: 'cached' });
      return { ok: true, image: sessionImage(known, base) };
    }
    const from = async (abort: AbortSignal): Promise<ImageFacts> =>
      named === undefined
        ? base
        : isOurs(named)
          ? named
          : await layeredImage(docker, store, { base, foreign: named, signal: abort });
    const order = { key, environment, plan, base, from, resources: request.resources };
    const result = await this.#built(order, request);
    signal.throwIfAborted();
    return result.ok ? { ok: true, image: sessionImage(result.image, base) } : result;
  }

  async #foreign({ image }: LaunchEnvironment, base: ImageFacts, { signal, onWaiting }: ImageRequest) {
    if (image === undefined || image === this.#options.image) return undefined;
    const onPull = () => onWaiting({ code: 'environment_building', detail: `The image ${image} is being fetched.` });
    return await foreignImage(this.#options.docker, image, { base, signal, onPull });
  }

  /** Joins the build of this key, or begins it. */
  async #built(order: ConstructorParameters<typeof Build>[1], request: ImageRequest): Promise<BuildResult> {
    const { key, environment } = order;
    const reason: Reason = {
      code: 'environment_building',
      detail: `The environment "${environment.name}" is being built.`,
    };
    request.onWaiting(reason);
    const again = setInterval(() => request.onWaiting(reason), AGAIN_MS);
    try {
      await this.#tidy();
      for (;;) {
        request.signal.throwIfAborted();
        this.#closed.signal.throwIfAborted();
        const build = this.#builds.get(key) ?? this.#begin(order);
        // One that nobody waited for is ending. Its place is free when it has left nothing.
        const result = build.isWanted ? await waitWith(build, request) : await build.result;
        if (result !== undefined) return result;
      }
    } finally {
      clearInterval(again);
    }
  }

  #begin(order: ConstructorParameters<typeof Build>[1]): Build {
    const begun = performance.now();
    const build = new Build(this.#options, order, (task) => this.#turns.run(task));
    this.#builds.set(order.key, build);
    void build.result.then((result) => {
      this.#builds.delete(order.key);
      const outcome = result === undefined ? 'cancelled' : result.ok ? 'built' : result.reason.code;
      runnerMetrics.count('cc_docker_runner_environment_builds_total', { outcome });
      const seconds = (performance.now() - begun) / 1000;
      if (result !== undefined)
        runnerMetrics.observe('cc_docker_runner_environment_build_duration_seconds', {}, seconds);
      if (result?.ok === true) void this.#collect();
    });
    return build;
  }

  /** Once, and before anything is built: what it finds is an earlier process's. Where the engine was away, before the next build. */
  #tidy(): Promise<void> {
    this.#tidied ??= this.#removeLeftovers().catch((error: unknown) => {
      this.#tidied = undefined;
      throw error;
    });
    return this.#tidied;
  }

  async #removeLeftovers(): Promise<void> {
    const { docker, runnerId, folder, log } = this.#options;
    const mine = await docker.listContainers({ all: true, filters: { label: [`${Label.runner}=${runnerId}`] } });
    const left = mine.filter(({ Names }) => Names.some((name) => name.startsWith(`/${BUILD_NAME}`)));
    await Promise.all(left.map(({ Id }) => removeContainer(docker.getContainer(Id))));
    if (left.length > 0) log.info('builds of an earlier runner removed', { builds: left.length });
    const folders = await readdir(folder).catch(() => []);
    await removeFolder(...folders.map((name) => path.join(folder, name)));
  }

  async #collectAgain(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      await this.#collect();
      await pause(COLLECT_MS, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
    }
  }

  /** One at a time. */
  #collect(): Promise<void> {
    const { store, bounds, log } = this.#options;
    this.#collecting = this.#collecting
      .then(() => store.collect(bounds))
      .then((bytes) => runnerMetrics.set('cc_docker_runner_environment_image_bytes', {}, bytes))
      .catch((error: unknown) => log.warn('images of environments not looked at', { problem: engineProblem(error) }));
    return this.#collecting;
  }
}

/** @returns undefined: it was ended because nobody waited @throws when the request is aborted */
async function waitWith(build: Build, { signal, notify }: ImageRequest): Promise<BuildResult | undefined> {
  const waiter = { notify };
  const left = new Promise<never>((_, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    // While it was looked for.
    if (signal.aborted) leave();
  });
  left.catch(() => {});
  build.join(waiter);
  try {
    return await Promise.race([build.result, left]);
  } finally {
    build.leave(waiter);
  }
}
