import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { EcsBackend } from '../../../runner/backend/ecs/ecs-backend.ts';
import { ecsClient } from '../../../runner/backend/ecs/task-api.ts';
import { keyOfTask } from '../../../runner/backend/ecs/task-request.ts';
import { placementName } from '../../../runner/lib/placement-name.ts';
import { socketAliases } from '../../../runner/link/socket-alias.ts';
import { TaskFiles } from '../../../runner/porter/task-files.ts';
import { PorterDoor } from '../../../runner/porter/porter-door.ts';
import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import { backendContract } from '../../support/backend-contract/contract.ts';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { ECS_SETTINGS, QUICK } from '../../support/ecs/backend-on-stand-in.ts';
import { DockerRuntime, TASK_LABEL } from '../../support/ecs/docker-runtime.ts';
import { CREDENTIALS, EcsStandIn } from '../../support/ecs/ecs-stand-in.ts';
import { sessionDefinition } from '../../support/ecs/session-definition.ts';
import { TaskNetwork } from '../../support/ecs/task-network.ts';
import { freePort } from '../../support/net/free-port.ts';
import { makeProbeImage } from '../../support/runner/probe-image.ts';

/** A task is killed so soon after it was told to end, seconds. */
const STOP_SECONDS = 2;

describeDockerAsRoot('the contract of backends, on the stand-in of ECS', ({ docker, image }) => {
  let probe: string;
  let network: TaskNetwork;
  let ecs: EcsStandIn;
  /** A runner's port is the same in each of its processes. */
  const ports = new Map<string, number>();

  beforeAll(async () => {
    probe = await makeProbeImage(docker, image, 'ecs');
    network = await TaskNetwork.make();
    const delays = { provisioning: 50, pending: 50, deactivating: 10, deprovisioning: 10 };
    ecs = await EcsStandIn.start({ runtime: new DockerRuntime({ docker, network }), delays, lateMs: 50 });
    ecs.operations.register(sessionDefinition(probe, STOP_SECONDS));
  });
  afterAll(async () => {
    await ecs.close();
    await network.remove();
    await docker.getImage(probe).remove({ force: true });
  });

  const taskOf = (key: PlacementKey) =>
    ecs.operations.tasks.findLast(({ now }) => {
      const found = keyOfTask({ overrides: now.overrides });
      return found !== undefined && placementName(found) === placementName(key);
    })?.plan.id;

  backendContract({
    name: 'ecs',
    makeBackend:
      async () =>
      async ({ runnerId, sessions }, log) => {
        const port = ports.get(sessions) ?? (await freePort(network.runnerAddress));
        ports.set(sessions, port);
        const door = await PorterDoor.open({
          folder: path.join(path.dirname(sessions), 'porter'),
          listen: { host: network.runnerAddress, port },
          aliases: socketAliases(),
          log,
        });
        const files = new TaskFiles({ door, owner: { uid: 1000, gid: 1000 }, log });
        const client = ecsClient({ endpoint: ecs.url, region: 'eu-central-1', credentials: CREDENTIALS });
        return new EcsBackend({ client, settings: ECS_SETTINGS, door, files, runnerId, sessions, log, times: QUICK });
      },
    running: async (key) => {
      const filters = { label: [`${TASK_LABEL}=${taskOf(key)}`], status: ['running'] };
      return (await docker.listContainers({ filters })).map(({ Id }) => Id);
    },
    kill: async (key) => await docker.getContainer(`ecs-${taskOf(key)}-session`).kill({ signal: 'SIGKILL' }),
  });
});
