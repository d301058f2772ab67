import type Docker from 'dockerode';
import { Label } from './container-spec.ts';
import { engineStatus } from './docker-error.ts';

export interface HelperContainer {
  /** What it is for: a word of its name. */
  readonly job: string;
  readonly runnerId: string;
  /** What it is made of, besides its name and its runner. */
  readonly options: Docker.ContainerCreateOptions;
}

/**
 * Makes a container without a network for a moment's work of the runner itself, and removes it. Of one job there is one at a time.
 *
 * @throws when the engine does not answer
 */
export async function withHelper<T>(
  docker: Docker,
  { job, runnerId, options }: HelperContainer,
  work: (container: Docker.Container) => Promise<T>,
): Promise<T> {
  // By a name of its own: one that a killed runner has left is found, and removed.
  const name = `cc-docker-${job}-${runnerId}`;
  await docker
    .getContainer(name)
    .remove({ force: true, v: true })
    .catch((error: unknown) => {
      if (engineStatus(error) !== 404) throw error;
    });
  const labels = { [Label.runner]: runnerId };
  const container = await docker.createContainer({ ...options, name, Labels: labels, NetworkDisabled: true });
  try {
    return await work(container);
  } finally {
    await container.remove({ force: true, v: true });
  }
}
