import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type Docker from 'dockerode';
import * as z from 'zod';
import { Label } from '../../backend/container-spec.ts';
import { engineProblem, engineStatus } from '../../backend/docker-error.ts';
import type { Log } from '../../lib/log.ts';
import { garbage, type StoreBounds } from './garbage.ts';

/** The repository of the images that runners make. */
const REPOSITORY = 'cc-docker/environment';

export const ImageLabel = {
  /** The image's key; also of the layer under an image that an environment names. */
  key: 'cc-docker.environment',
  /** What it takes beside the images that it is made of, bytes. */
  bytes: 'cc-docker.environment.bytes',
  /** The id of the build that made it. */
  build: 'cc-docker.environment.build',
} as const;

const facts = z.object({
  Id: z.string(),
  Size: z.number().default(0),
  Os: z.string().default(''),
  Architecture: z.string().default(''),
  Config: z
    .object({
      Env: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      OnBuild: z.array(z.string()).nullish(),
    })
    .nullish(),
});

/** What the engine says of an image. */
export interface ImageFacts {
  id: string;
  /** With all that it is made of, bytes. */
  size: number;
  os: string;
  architecture: string;
  env: Readonly<Record<string, string>>;
  entrypoint: readonly string[];
  labels: Readonly<Record<string, string>>;
  volumes: readonly string[];
  onBuild: readonly string[];
}

/** @returns undefined: the engine has no image of this name @throws when it does not answer */
export async function inspectImage(docker: Docker, name: string): Promise<ImageFacts | undefined> {
  let found;
  try {
    found = facts.parse(await docker.getImage(name).inspect());
  } catch (error) {
    if (engineStatus(error) === 404) return undefined;
    throw error;
  }
  const { Id, Size, Os, Architecture, Config } = found;
  return {
    id: Id,
    size: Size,
    os: Os,
    architecture: Architecture,
    env: Object.fromEntries((Config?.Env ?? []).map(pair)),
    entrypoint: Config?.Entrypoint ?? [],
    labels: Config?.Labels ?? {},
    volumes: Object.keys(Config?.Volumes ?? {}),
    onBuild: Config?.OnBuild ?? [],
  };
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** What a container has written to its own layer, bytes. The engine counts it, which takes a while. */
export async function writtenBytes(docker: Docker, id: string): Promise<number> {
  const [found] = await docker.listContainers({ all: true, size: true, filters: { id: [id] } });
  return z.object({ SizeRw: z.number().default(0) }).parse(found ?? {}).SizeRw;
}

/** The images that this runner has made: by their labels, so that no other one's is touched. When each was used, files say. */
export class ImageStore {
  readonly #docker: Docker;
  readonly #runnerId: string;
  readonly #used: string;
  readonly #log: Log;

  /** @param folder of its own */
  constructor({ docker, runnerId, folder, log }: { docker: Docker; runnerId: string; folder: string; log: Log }) {
    this.#docker = docker;
    this.#runnerId = runnerId;
    this.#used = folder;
    this.#log = log;
  }

  nameOf(key: string): string {
    return `${REPOSITORY}:${key}`;
  }

  /** The labels that an image of this runner has. */
  labels(key: string): Record<string, string> {
    return { [Label.runner]: this.#runnerId, [ImageLabel.key]: key };
  }

  /** Looks for an image, which counts as used now. */
  async find(key: string): Promise<ImageFacts | undefined> {
    const image = await inspectImage(this.#docker, this.nameOf(key));
    if (image?.labels[Label.runner] !== this.#runnerId || image.labels[ImageLabel.key] !== key) return undefined;
    await this.touch(key);
    return image;
  }

  async touch(key: string): Promise<void> {
    const file = path.join(this.#used, key);
    const now = new Date();
    try {
      await utimes(file, now, now);
    } catch {
      await mkdir(this.#used, { recursive: true, mode: 0o700 });
      await writeFile(file, '', { mode: 0o600 });
    }
  }

  /**
   * Keeps what is in a container that has ended as an image. Nothing of the container's own settings goes with it.
   *
   * @throws when the engine cannot
   */
  async commit(
    container: Docker.Container,
    key: string,
    config: {
      buildId: string;
      user: string;
      workingDir: string;
      entrypoint: readonly string[];
      env: Readonly<Record<string, string>>;
    },
  ): Promise<ImageFacts> {
    const bytes = await writtenBytes(this.#docker, container.id);
    const [repo, tag] = this.nameOf(key).split(':');
    await container.commit({
      repo,
      tag,
      User: config.user,
      WorkingDir: config.workingDir,
      Entrypoint: [...config.entrypoint],
      Cmd: [],
      Env: Object.entries(config.env).map(([name, value]) => `${name}=${value}`),
      Labels: { ...this.labels(key), [ImageLabel.bytes]: String(bytes), [ImageLabel.build]: config.buildId },
      Healthcheck: { Test: ['NONE'] },
    });
    const image = await this.find(key);
    if (image === undefined) throw new Error('the engine does not have the image that it has made');
    return image;
  }

  /** Removes what is not worth its room. @returns what is left, bytes @throws when the engine does not answer */
  async collect(bounds: StoreBounds): Promise<number> {
    const found = await this.#docker.listImages({
      filters: { label: [`${Label.runner}=${this.#runnerId}`, ImageLabel.key] },
    });
    const stored = await Promise.all(
      found.map(async ({ Id, Labels, Created, RepoTags }) => {
        const key = Labels[ImageLabel.key] ?? '';
        const used = await stat(path.join(this.#used, key)).catch(() => undefined);
        // What has no name is left of a build that was cut short.
        const usedAt = RepoTags?.includes(this.nameOf(key)) === true ? (used?.mtimeMs ?? Created * 1000) : 0;
        return { id: Id, key, bytes: Number(Labels[ImageLabel.bytes] ?? 0), usedAt };
      }),
    );
    const going = new Set(garbage(stored, bounds, Date.now()).map(({ id }) => id));
    const left = [];
    for (const image of stored) {
      if (going.has(image.id) && (await this.#remove(image.id))) continue;
      left.push(image);
    }
    await this.#forget(new Set(left.map(({ key }) => key)));
    return left.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async #remove(id: string): Promise<boolean> {
    try {
      await this.#docker.getImage(id).remove();
      this.#log.info('image of an environment removed', { id });
      return true;
    } catch (error) {
      const status = engineStatus(error);
      // A container or another image uses it.
      if (status === 409) return false;
      if (status === 404) return true;
      this.#log.warn('image of an environment not removed', { id, problem: engineProblem(error) });
      return false;
    }
  }

  /** Files of images that are gone. */
  async #forget(keys: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#used).catch(() => []);
    await Promise.all(
      names.filter((name) => !keys.has(name)).map((name) => rm(path.join(this.#used, name), { force: true })),
    );
  }
}
