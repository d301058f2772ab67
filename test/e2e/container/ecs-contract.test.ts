import path from 'node:path';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EcsBackend } from '../../../runner/backend/ecs/ecs-backend.ts';
import { ecsClient } from '../../../runner/backend/ecs/task-api.ts';
import { keyOfTask } from '../../../runner/backend/ecs/task-request.ts';
import { placementName } from '../../../runner/lib/placement-name.ts';
import { socketAliases } from '../../../runner/link/socket-alias.ts';
import { TaskFiles } from '../../../runner/porter/task-files.ts';
import { PorterDoor } from '../../../runner/porter/porter-door.ts';
import type { PlacementKey } from '../../../protocol/link/runner-control.ts';
import { newKey, setUp, type BackendUnderTest } from '../../support/backend-contract/backend-under-test.ts';
import { backendContract } from '../../support/backend-contract/contract.ts';
import { describeDockerAsRoot } from '../../support/docker/describe-docker.ts';
import { ECS_SETTINGS, QUICK_CONTAINERS } from '../../support/ecs/backend-on-stand-in.ts';
import { DockerRuntime, TASK_LABEL } from '../../support/ecs/docker-runtime.ts';
import { CREDENTIALS, EcsStandIn } from '../../support/ecs/ecs-stand-in.ts';
import { sessionDefinition } from '../../support/ecs/session-definition.ts';
import { TaskNetwork } from '../../support/ecs/task-network.ts';
import { freePort } from '../../support/net/free-port.ts';
import { makeProbeImage } from '../../support/runner/probe-image.ts';
import { scratch } from '../../support/scratch.ts';

/** A task is killed so soon after it was told to end, seconds. */
const STOP_SECONDS = 2;

describeDockerAsRoot('the contract of backends, on the stand-in of ECS', ({ docker, image }) => {
  let probe: string;
  let network: TaskNetwork;
  let ecs: EcsStandIn;
  /** A runner's port is the same in each of its processes. */
  const ports = new Map<string, number>();
  /** ECS does not say yet that a task runs. */
  let isLate = false;

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

  const backend: BackendUnderTest = {
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
        sayLate(client, () => isLate);
        return new EcsBackend({
          client,
          settings: ECS_SETTINGS,
          door,
          files,
          runnerId,
          sessions,
          log,
          times: QUICK_CONTAINERS,
        });
      },
    running: async (key) => {
      const filters = { label: [`${TASK_LABEL}=${taskOf(key)}`], status: ['running'] };
      return (await docker.listContainers({ filters })).map(({ Id }) => Id);
    },
    kill: async (key) => await docker.getContainer(`ecs-${taskOf(key)}-session`).kill({ signal: 'SIGKILL' }),
  };
  backendContract(backend);

  test('a session that speaks before ECS says that its task runs is taken up by the next runner', async () => {
    const folder = scratch();
    isLate = true;
    const first = await setUp(backend, { folder });
    const key = newKey();
    first.launch(key);
    await first.edge.line(key.session_id, (line) => line.includes('"resume"'));
    await first.runner.detach();
    expect(first.edge.control.map(({ kind }) => kind)).not.toContain('started');
    isLate = false;
    const second = await setUp(backend, { folder, edge: first.edge });
    expect(await second.edge.frame('hello', 1)).toMatchObject({ running: [key] });
    expect(await second.edge.frame('started')).toMatchObject(key);
    await second.ask(key, 'hello', /^echo hello$/);
    expect(second.edge.control.map(({ kind }) => kind)).not.toContain('ended');
  });
});

/** Has the client hear of a task that runs as of one that is about to. */
function sayLate(client: ECSClient, isLate: () => boolean): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { tasks = [] } = answer.output as { tasks?: { lastStatus?: string }[] };
      if (isLate()) for (const task of tasks) if (task.lastStatus === 'RUNNING') task.lastStatus = 'ACTIVATING';
      return answer;
    },
    { step: 'initialize' },
  );
}
