import path from 'node:path';
import type { ContainerBackend } from '../../backend/backend.ts';
import type { ContainerSettings } from '../../backend/container-spec.ts';
import { measureWith } from '../../lib/disk/usage.ts';
import { socketAliases } from '../../link/socket-alias.ts';
import type { Settings } from '../settings.ts';
import { EnvironmentImages, type EnvironmentImagesOptions } from './environment-images.ts';
import { ImageStore } from './image-store.ts';

export interface OpenImagesOptions
  extends
    ContainerSettings,
    Pick<EnvironmentImagesOptions, 'docker' | 'egress' | 'log'>,
    Pick<Settings, 'dataFolder' | 'environments'> {
  backend: Pick<ContainerBackend, 'ownKernel' | 'privilegedMeasure'>;
  limits: Pick<Settings['limits'], 'workspaceFiles'>;
}

const MB = 1024 * 1024;
const DAY_MS = 86_400_000;

/** The images of a runner's environments, by the operator's settings. */
export function openEnvironmentImages(options: OpenImagesOptions): EnvironmentImages {
  const { docker, runnerId, dataFolder, backend, environments, limits, log } = options;
  const folder = path.join(dataFolder, 'environments');
  return new EnvironmentImages({
    ...options,
    ownKernel: backend.ownKernel,
    folder: path.join(folder, 'builds'),
    store: new ImageStore({ docker, runnerId, folder: path.join(folder, 'used'), log }),
    aliases: socketAliases(),
    measure: measureWith({ log }),
    privileged: backend.privilegedMeasure,
    limits: {
      timeoutSeconds: environments.buildSeconds,
      imageMb: environments.imageMb,
      files: limits.workspaceFiles,
    },
    bounds: { keepMs: environments.keepDays * DAY_MS, storeBytes: environments.storeMb * MB },
  });
}
