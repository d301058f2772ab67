import { setTimeout as pause } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { TaskNetwork } from './task-network.ts';
import type { ContainerEnd, TaskContainer, TaskPlan, TaskRun, TaskRuntime } from './task-runtime.ts';

const MB = 1024 * 1024;
/** ECS asks every 5 s at the most often. A test need not wait that long, and each time is a process in the container. */
const HEALTH_EVERY_MS = 500;
/** The label of all containers and volumes of a stand-in's tasks; its value is the task's id. */
export const TASK_LABEL = 'cc-docker-test.ecs-task';

export interface DockerRuntimeOptions {
  docker: Docker;
  network: TaskNetwork;
}

/** Runs tasks as containers of a local engine: they share one network, with one card, and volumes, and nothing else. */
export class DockerRuntime implements TaskRuntime {
  readonly #options: DockerRuntimeOptions;

  constructor(options: DockerRuntimeOptions) {
    this.#options = options;
  }

  async create(plan: TaskPlan): Promise<TaskRun> {
    const { docker, network } = this.#options;
    const port = runnerPort(plan);
    const [first, ...others] = inOrder(plan.containers);
    if (first === undefined) throw new Error('a task without a container');
    await Promise.all(
      plan.definition.volumes.map(({ name }) =>
        docker.createVolume({ Name: volumeName(plan, name), Labels: { [TASK_LABEL]: plan.id } }),
      ),
    );
    const containers = new Map<string, Docker.Container>();
    let card: { address: string; detach: () => Promise<void> } | undefined;
    const remove = async (): Promise<void> => {
      await Promise.all([...containers.values()].map((container) => container.remove({ force: true, v: true })));
      await card?.detach();
      await Promise.all(plan.definition.volumes.map(({ name }) => docker.getVolume(volumeName(plan, name)).remove()));
    };
    const { promise: essentialEnd, resolve: essentialHasEnded } = Promise.withResolvers<string>();
    const begin = async (container: TaskContainer, networkMode: string): Promise<Docker.Container> => {
      const made = await docker.createContainer(specOf(plan, container, networkMode));
      containers.set(container.name, made);
      await made.start();
      if (container.essential)
        void made.wait().then(
          () => essentialHasEnded(container.name),
          () => undefined,
        );
      return made;
    };
    try {
      const main = await begin(first, 'none');
      const { State } = await main.inspect();
      card = await network.attach(State.Pid, port);
      const { address } = card;
      return {
        address,
        essentialEnd,
        start: async () => {
          for (const container of others) {
            for (const { containerName, condition } of container.dependsOn)
              if (condition === 'HEALTHY') await this.#healthy(plan, containerName, containers);
            await begin(container, `container:${main.id}`);
          }
        },
        stop: async () => {
          const ends = [...containers].map(async ([name, container]): Promise<[string, ContainerEnd]> => {
            const timeout = plan.containers.find((one) => one.name === name)?.stopTimeout ?? 30;
            // 304: it has ended. What waits for the porter to save ends before it does.
            await container.stop({ t: timeout }).catch(() => undefined);
            return [name, await endOf(container)];
          });
          return Object.fromEntries(await Promise.all(ends));
        },
        remove,
      };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async #healthy(plan: TaskPlan, name: string, containers: Map<string, Docker.Container>): Promise<void> {
    const container = containers.get(name);
    const check = plan.containers.find((one) => one.name === name)?.healthCheck?.command ?? [];
    if (container === undefined) throw new Error(`${name} is to be healthy, and comes later`);
    const Cmd = check[0] === 'CMD-SHELL' ? ['sh', '-c', check[1] ?? ''] : check.slice(1);
    for (;;) {
      const { State } = await container.inspect();
      if (!State.Running) throw new Error(`Task failed container health checks: ${name} has ended`);
      const exec = await container.exec({ Cmd });
      await exec.start({ Detach: true });
      let answer = await exec.inspect();
      for (; answer.Running; answer = await exec.inspect()) await pause(100);
      if (answer.ExitCode === 0) return;
      await pause(HEALTH_EVERY_MS);
    }
  }
}

/** The port that the task's security group leads to. */
function runnerPort({ containers }: TaskPlan): number {
  const address = containers
    .flatMap(({ environment }) => environment)
    .find(({ name }) => name === 'CC_DOCKER_RUNNER_ADDRESS')?.value;
  return Number(address?.split(':').at(-1));
}

/** Those first on which others depend. */
function inOrder(containers: TaskContainer[]): TaskContainer[] {
  return containers.toSorted((a, b) => a.dependsOn.length - b.dependsOn.length);
}

const volumeName = (plan: TaskPlan, name: string): string => `ecs-${plan.id}-${name}`;

function specOf(plan: TaskPlan, container: TaskContainer, networkMode: string): Docker.ContainerCreateOptions {
  const { linuxParameters, memory, entryPoint, command, user, ulimits } = container;
  return {
    name: `ecs-${plan.id}-${container.name}`,
    Image: container.image,
    Labels: { [TASK_LABEL]: plan.id },
    Env: container.environment.map(({ name, value }) => `${name}=${value}`),
    ...(user !== undefined && { User: user }),
    ...(entryPoint !== undefined && { Entrypoint: entryPoint }),
    ...(command !== undefined && { Cmd: command }),
    HostConfig: {
      NetworkMode: networkMode,
      CapDrop: linuxParameters?.capabilities?.drop ?? [],
      ReadonlyRootfs: container.readonlyRootFilesystem,
      Ulimits: ulimits.map(({ name, softLimit, hardLimit }) => ({ Name: name, Soft: softLimit, Hard: hardLimit })),
      Init: linuxParameters?.initProcessEnabled ?? false,
      ...(memory !== undefined && { Memory: memory * MB, MemorySwap: memory * MB }),
      Mounts: container.mountPoints.map(({ sourceVolume, containerPath, readOnly }) => ({
        Type: 'volume',
        Source: volumeName(plan, sourceVolume),
        Target: containerPath,
        ReadOnly: readOnly,
      })),
    },
  };
}

async function endOf(container: Docker.Container): Promise<ContainerEnd> {
  const { State } = await container.inspect();
  return {
    exitCode: State.ExitCode,
    ...(State.OOMKilled && { reason: 'OutOfMemoryError: Container killed due to memory usage' }),
  };
}
