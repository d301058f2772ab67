import type Docker from 'dockerode';
import { DockerRuntime } from './docker-runtime.ts';
import { CREDENTIALS, EcsStandIn } from './ecs-stand-in.ts';
import { sessionDefinition } from './session-definition.ts';
import { TaskNetwork } from './task-network.ts';

/** A cluster of the stand-in whose tasks are containers of a local engine, and which leads to one address of this machine. */
export async function startLocalCluster(docker: Docker, image: string, stopSeconds: number) {
  const network = await TaskNetwork.make();
  // Of a minute in AWS, a moment.
  const delays = { provisioning: 50, pending: 50, deactivating: 10, deprovisioning: 10 };
  const ecs = await EcsStandIn.start({ runtime: new DockerRuntime({ docker, network }), delays, lateMs: 50 });
  ecs.operations.register(sessionDefinition(image, stopSeconds));
  return {
    ecs,
    /** Where a runner has to listen. */
    runnerAddress: network.runnerAddress,
    /** The environment of a runner that uses it. */
    environment: (port: number): Record<string, string> => ({
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      ECS_ENDPOINT: ecs.url,
      ECS_CLUSTER: 'of-the-tests',
      ECS_SUBNETS: 'subnet-a',
      ECS_SECURITY_GROUPS: 'sg-tasks',
      PORTER_ADDRESS: network.runnerAddress,
      PORTER_LISTEN: network.runnerAddress,
      PORTER_PORT: String(port),
    }),
    close: async (): Promise<void> => {
      await ecs.close();
      await network.remove();
    },
  };
}
