import { afterAll } from 'vitest';
import { containerName, Label } from '../../../runner/backend/container-spec.ts';
import { DockerBackend } from '../../../runner/backend/docker-backend.ts';
import { backendContract } from '../../support/backend-contract/contract.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { makeProbeImage } from '../../support/runner/probe-image.ts';

describeDocker('the contract of backends, on docker', ({ docker, image }) => {
  let probe: Promise<string> | undefined;
  afterAll(async () => {
    if (probe !== undefined) await docker.getImage(await probe).remove({ force: true });
  });

  backendContract({
    name: 'docker',
    makeBackend: async () => {
      probe ??= makeProbeImage(docker, image, 'contract');
      const settings = { image: await probe, owner: { uid: 1000, gid: 1000 }, runtime: undefined };
      return ({ runnerId }, log) => new DockerBackend({ ...settings, runnerId }, log, docker);
    },
    running: async ({ session_id }) => {
      const filters = { label: [`${Label.session}=${session_id}`], status: ['running', 'paused', 'restarting'] };
      return (await docker.listContainers({ filters })).map(({ Id }) => Id);
    },
    kill: async (key) => await docker.getContainer(containerName(key)).kill({ signal: 'SIGKILL' }),
  });
});
