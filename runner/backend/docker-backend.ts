import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import * as z from 'zod';
import { placementKey, type BackendHealth, type PlacementKey } from '../../protocol/link/runner-control.ts';
import { backoffMs } from '../lib/backoff.ts';
import {
  LOG_TAIL,
  type ContainerBackend,
  type ContainerExit,
  type OwnContainer,
  type OwnedFolders,
  type StartOptions,
  type StartResult,
} from './backend.ts';
import {
  CONTAINER_LAYOUT,
  containerName,
  containerSpec,
  GROUP_FILE,
  keyOfName,
  Label,
  PASSWD_FILE,
  type ContainerSettings,
} from './container-spec.ts';
import { engineAway, engineProblem, engineStatus, imageMissing, startFailure } from './docker-error.ts';
import { privilegedMeasure } from './privileged-measure.ts';
import { ImageUsers, withAgent } from './image-users.ts';
import { unfitImage } from './unfit-image.ts';
import type { Log } from '../lib/log.ts';
import type { Resources } from '../../protocol/api/session/session-config.ts';
import { writeRunFile, type SessionFolders } from '../lib/session-folders.ts';
import { waitAtMost } from '../lib/wait-at-most.ts';

/** Timeout of a request that an engine answers in milliseconds. */
const ANSWER_MS = 5_000;
/** Timeout of a create or a start: on a busy disk the first container may take long. */
const START_MS = 60_000;

const engineInfo = z.object({
  SecurityOptions: z.array(z.string()).default([]),
  MemoryLimit: z.boolean(),
  PidsLimit: z.boolean().default(true),
  Runtimes: z.record(z.string(), z.unknown()).default({}),
});

/**
 * What this engine cannot enforce, or `undefined` when a container can be sealed on it. This is checked here, because an
 * engine accepts limits that it cannot enforce, and only warns.
 */
export function unsealable(info: unknown, runtime?: string): string | undefined {
  const engine = engineInfo.parse(info);
  if (runtime !== undefined && !(runtime in engine.Runtimes)) return `it has no runtime ${runtime} (DOCKER_RUNTIME)`;
  if (!engine.SecurityOptions.some((option) => option.startsWith('name=seccomp'))) return 'it has no seccomp';
  if (engine.SecurityOptions.includes('name=rootless')) return 'it is rootless, which is not supported yet';
  if (engine.SecurityOptions.includes('name=userns')) return 'it remaps user ids, which is not supported yet';
  if (!engine.MemoryLimit) return 'it cannot limit memory';
  if (!engine.PidsLimit) return 'it cannot limit the number of processes';
  return undefined;
}

const REMOVED: ContainerExit = { code: null, signal: null, outOfMemory: false, removed: true, log: '' };

/** States in which nothing runs and nothing will run. */
const ENDED = ['created', 'exited', 'dead', 'removing'];

/** Runs containers on a Docker engine. `DOCKER_HOST` names it, as for every Docker client. */
export class DockerBackend implements ContainerBackend {
  readonly name = 'docker';
  readonly owner;
  readonly seal = { runner: null };
  readonly hasFilesHere = true;
  readonly canPause = true;
  readonly ownKernel;
  readonly privilegedMeasure;
  readonly #docker: Docker;
  readonly #settings: ContainerSettings;
  readonly #log: Log;
  readonly #closed = new AbortController();
  readonly #users: ImageUsers;

  constructor(settings: ContainerSettings, log: Log, docker = new Docker()) {
    this.#docker = docker;
    this.#settings = settings;
    this.#log = log;
    this.owner = settings.owner;
    this.#users = new ImageUsers(docker, settings.runnerId, START_MS);
    this.privilegedMeasure = privilegedMeasure(docker, settings);
    // `runc` and `crun` share the host's kernel. An operator names another runtime because it does not.
    this.ownKernel = settings.runtime !== undefined && !/^(io\.containerd\.)?(runc|crun)/.test(settings.runtime);
  }

  layout() {
    return CONTAINER_LAYOUT;
  }

  async health(): Promise<BackendHealth> {
    const { image } = this.#settings;
    try {
      const info = await this.#info();
      const weakness = unsealable(info, this.#settings.runtime);
      if (weakness !== undefined)
        return { ok: false, detail: `This Docker engine cannot seal a container: ${weakness}.` };
      const unfit = unfitImage(image, await this.#docker.getImage(image).inspect(), info);
      if (unfit !== undefined) return { ok: false, detail: unfit };
      // Now, so that no session waits for it.
      await this.#users.of(image, true);
      return { ok: true, detail: `Docker answers and has ${image}.` };
    } catch (error) {
      if (engineStatus(error) === 404) return { ok: false, detail: imageMissing(image).detail };
      return { ok: false, detail: `The Docker engine does not answer: ${engineProblem(error)}`.slice(0, 2048) };
    }
  }

  async start(
    key: PlacementKey,
    folders: SessionFolders,
    resources: Resources | null,
    { image = this.#settings.image, spare = false }: Pick<StartOptions, 'image' | 'spare'> = {},
  ): Promise<StartResult> {
    if (resources === null) throw new Error('a container without limits');
    const name = containerName(key);
    const container = this.#docker.getContainer(name);
    try {
      const weakness = await this.#weakness();
      if (weakness !== undefined) {
        const detail = `This Docker engine cannot seal a container: ${weakness}.`;
        return { ok: false, failure: { code: 'container_start_failed', detail } };
      }
      const { passwd, group } = withAgent(await this.#users.of(image), this.owner);
      await Promise.all([writeRunFile(folders, PASSWD_FILE, passwd), writeRunFile(folders, GROUP_FILE, group)]);
      try {
        const spec = containerSpec({ ...this.#settings, image }, key, folders, resources, spare);
        await this.#docker.createContainer({ ...spec, abortSignal: AbortSignal.timeout(START_MS) });
      } catch (error) {
        // The name is taken: an earlier `start` of the same key got this far.
        if (engineStatus(error) !== 409) throw error;
        const found = await container.inspect();
        if (found.Config.Labels[Label.runner] !== this.#settings.runnerId) {
          const detail = `A container ${name} of another runner is in the way.`;
          return { ok: false, failure: { code: 'container_start_failed', detail } };
        }
        // It has run already; `wait` says how it ended. A second start would make two runs of one epoch.
        if (found.State.Status !== 'created') return { ok: true };
      }
      // 304: it runs already.
      await container.start({ abortSignal: AbortSignal.timeout(START_MS) }).catch(unlessStatus(304));
      return { ok: true };
    } catch (error) {
      const failure = startFailure(error, image);
      // The next `start` would take a half-made container for a started one. If the engine is away, `list` finds it later.
      await this.remove(key).catch((error: unknown) => this.#log.warn('container not removed', { name, error }));
      return { ok: false, failure };
    }
  }

  /** Kept after the first answer: an engine does not change without a restart, and `health` asks again. */
  #sealable: Promise<string | undefined> | undefined;
  async #weakness(): Promise<string | undefined> {
    this.#sealable ??= this.#info().then((info) => unsealable(info, this.#settings.runtime));
    try {
      return await this.#sealable;
    } catch (error) {
      this.#sealable = undefined;
      throw error;
    }
  }

  /** @throws also when a stuck engine accepts the connection and never answers */
  async #info(): Promise<unknown> {
    const answered = new AbortController();
    const late = pause(ANSWER_MS, undefined, { ref: false, signal: answered.signal }).then(() => {
      throw Object.assign(new Error(`no answer in ${ANSWER_MS / 1000} s`), { code: 'ETIMEDOUT' });
    });
    late.catch(() => {});
    try {
      return await Promise.race([this.#docker.info(), late]);
    } finally {
      answered.abort();
    }
  }

  async adopt(key: PlacementKey): Promise<void> {
    await this.resume(key);
  }

  async stop(key: PlacementKey, graceMs: number): Promise<void> {
    const container = this.#docker.getContainer(containerName(key));
    // 304 and 409: it does not run. 404: there is none.
    await (graceMs === 0 ? container.kill() : container.stop({ t: Math.ceil(graceMs / 1000) })).catch(
      unlessStatus(304, 404, 409),
    );
  }

  async pause(key: PlacementKey): Promise<void> {
    await this.#docker.getContainer(containerName(key)).pause({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
  }

  async resume(key: PlacementKey): Promise<void> {
    const container = this.#docker.getContainer(containerName(key));
    try {
      const { State } = await container.inspect({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
      if (State.Paused) await container.unpause({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      unlessStatus(404)(error);
    }
  }

  /** It works in them. */
  async syncFiles(): Promise<void> {}

  async processes(key: PlacementKey): Promise<number | null> {
    const container = this.#docker.getContainer(containerName(key));
    // This call takes no signal.
    const stats = await waitAtMost(container.stats({ stream: false, 'one-shot': true }), ANSWER_MS);
    if (stats === 'late') throw new Error(`the engine did not answer within ${ANSWER_MS} ms`);
    return stats.pids_stats?.current ?? null;
  }

  async wait(key: PlacementKey): Promise<ContainerExit> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#exit(key);
      } catch (error) {
        if (!engineAway(error)) throw error;
        this.#log.warn('engine away', { container: containerName(key), problem: engineProblem(error) });
      }
      const delay = 250 + backoffMs(attempt, { minMs: 250, maxMs: 5_000 }, Math.random());
      await pause(delay, undefined, { ref: false, signal: this.#closed.signal });
    }
  }

  async #exit(key: PlacementKey): Promise<ContainerExit> {
    const container = this.#docker.getContainer(containerName(key));
    try {
      await container.wait({ abortSignal: this.#closed.signal });
      const { State } = await container.inspect();
      // `docker rm -f` marks it before it kills it.
      if (State.Status === 'removing') return REMOVED;
      const log = demultiplex(await container.logs({ stdout: true, stderr: true, tail: 60 })).slice(-LOG_TAIL);
      return { code: State.ExitCode, signal: null, outOfMemory: State.OOMKilled, log: log || State.Error };
    } catch (error) {
      if (engineStatus(error) !== 404) throw error;
      return REMOVED;
    }
  }

  async remove(key: PlacementKey): Promise<void> {
    const container = this.#docker.getContainer(containerName(key));
    try {
      const { Id, Config } = await container.inspect();
      if (Config.Labels[Label.runner] !== this.#settings.runnerId) return;
      // By its id, so that it is the container that was inspected.
      const own = this.#docker.getContainer(Id);
      await own.remove({ force: true, v: true }).catch(async (error: unknown) => {
        unlessStatus(409)(error);
        // Another removal of it is under way.
        await own.wait({ condition: 'removed' });
      });
    } catch (error) {
      unlessStatus(404)(error);
    }
  }

  async list(): Promise<OwnContainer[]> {
    const filters = { label: [`${Label.runner}=${this.#settings.runnerId}`] };
    const found = await this.#docker.listContainers({
      all: true,
      filters,
      abortSignal: AbortSignal.timeout(ANSWER_MS),
    });
    return found.flatMap(({ Labels, Names, State }): OwnContainer[] => {
      const labelled = placementKey.safeParse({
        session_id: Labels[Label.session],
        epoch: Number(Labels[Label.epoch]),
      }).data;
      if (labelled === undefined) return [];
      const running = !ENDED.includes(State);
      if (Labels[Label.spare] === undefined) return [{ key: labelled, running }];
      // Labels cannot be changed: a spare that was claimed has the name of the session's container.
      const key = Names.flatMap((name) => keyOfName(name) ?? [])[0] ?? labelled;
      return [{ key, running, ...(key.session_id === labelled.session_id && { spare: true }) }];
    });
  }

  readonly spares = {
    keepsPaths: false,
    claim: async (spare: OwnedFolders, session: OwnedFolders, image: string | undefined) => {
      const container = this.#docker.getContainer(containerName(spare.key));
      const [{ Id, Image, State }, present] = await Promise.all([
        container.inspect(),
        image === undefined ? this.#docker.getImage(this.#settings.image).inspect() : undefined,
      ]);
      if (!State.Running || State.Paused) return 'its container does not run';
      if (present !== undefined && present.Id !== Image) return 'the session image is another one by now';
      // By its id, so that it is the container that was inspected.
      await this.#docker.getContainer(Id).rename({ name: containerName(session.key) });
      return undefined;
    },
  };

  async close(): Promise<void> {
    this.#closed.abort();
  }
}

function unlessStatus(...statuses: number[]) {
  return (error: unknown): void => {
    const status = engineStatus(error);
    if (status === undefined || !statuses.includes(status)) throw error;
  };
}

/** Removes the engine's log framing: each frame has 8 bytes of header (the last four: length), then stdout or stderr. */
function demultiplex(framed: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length;) {
    const length = framed.readUInt32BE(at + 4);
    parts.push(framed.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}
