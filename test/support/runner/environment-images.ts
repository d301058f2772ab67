import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type Docker from 'dockerode';
import type { LaunchEnvironment } from '../../../protocol/link/environment/environment.ts';
import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../protocol/reason.ts';
import { openEnvironmentImages } from '../../../runner/session/environment/open-images.ts';
import type { EgressDependencies } from '../../../runner/session/container/session-egress.ts';
import { keptLog } from '../quiet-log.ts';
import { NO_EGRESS } from './running-runner.ts';

export const OWNER = { uid: 1000, gid: 1000 };
export const RESOURCES = { memory_mb: 512, cpus: 2, pids: 128, workspace_mb: 1024, workspace_files: 100_000 };

export interface ImagesSetUp {
  docker: Docker;
  /** The session image. */
  image: string;
  runnerId?: string;
  folder?: string;
  buildSeconds?: number;
  imageMb?: number;
  files?: number;
  storeMb?: number;
  egress?: Partial<EgressDependencies>;
}

/** The images of environments of a runner that has nothing else, on a real engine. */
export async function environmentImages(options: ImagesSetUp) {
  const {
    docker,
    image,
    runnerId = randomUUID(),
    folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-images-')),
  } = options;
  const { log, lines } = keptLog();
  const images = openEnvironmentImages({
    docker,
    image,
    runnerId,
    owner: OWNER,
    runtime: undefined,
    dataFolder: folder,
    backend: { ownKernel: false },
    environments: {
      buildSeconds: options.buildSeconds ?? 120,
      imageMb: options.imageMb ?? 512,
      keepDays: 0,
      storeMb: options.storeMb ?? 0,
    },
    limits: { workspaceFiles: options.files ?? 100_000 },
    egress: { ...NO_EGRESS, ...options.egress },
    log,
  });
  await images.start();
  const filters = { label: [`cc-docker.runner=${runnerId}`] };
  const made = async () => (await docker.listImages({ all: true, filters })).map(({ Id }) => Id).toSorted();
  return {
    images,
    runnerId,
    folder,
    lines,
    made,
    containers: async () => await docker.listContainers({ all: true, filters }),
    /** Asks for the image of a script as a session would. */
    ask: (setup: string | undefined, more: Partial<LaunchEnvironment> = {}, signal = new AbortController().signal) => {
      const notices: RunnerNotice[] = [];
      const waiting: Reason[] = [];
      const environment: LaunchEnvironment = {
        name: 'tools',
        revision: null,
        owner: 'alice',
        secrets: [],
        allowed_images: [],
        env: undefined,
        network: undefined,
        ...(setup !== undefined && { setup }),
        ...more,
      };
      const request = {
        resources: RESOURCES,
        signal,
        notify: (some: RunnerNotice[]) => void notices.push(...some),
        onWaiting: (reason: Reason) => void waiting.push(reason),
      };
      return { notices, waiting, result: images.imageFor(environment, request) };
    },
    close: async () => {
      await images.close();
      for (const { Id } of await docker.listContainers({ all: true, filters }))
        await docker.getContainer(Id).remove({ force: true });
      // Those that are made of others first.
      for (let left = await made(), round = 0; left.length > 0 && round < 3; left = await made(), round++)
        for (const id of left)
          await docker
            .getImage(id)
            .remove({ force: true })
            .catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What all notices of output say together. */
export const outputOf = (notices: readonly RunnerNotice[]): string =>
  notices.map((notice) => (notice.host_notice === 'build_output' ? notice.text : '')).join('');

/** Processes of this machine that have this in their environment. */
export function processesWith(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(path.join('/proc', pid, 'environ'), 'utf8').includes(mark);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** Mounts of this machine that name this. */
export const mountsWith = (mark: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(mark));
