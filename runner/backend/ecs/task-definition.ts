import type { ContainerDefinition, TaskDefinition } from '@aws-sdk/client-ecs';
import type { BackendHealth } from '../../../protocol/link/runner-control.ts';
import { problemOf } from './task-answer.ts';
import type { TaskApi } from './task-api.ts';
import { PORTER, SESSION, type EcsSettings } from './task-request.ts';

/** Whether ECS answers, and has a task definition that sessions may run by. */
export async function definitionHealth(
  api: Pick<TaskApi, 'definition'>,
  settings: Pick<EcsSettings, 'taskDefinition' | 'capacity'>,
): Promise<BackendHealth> {
  const { taskDefinition } = settings;
  try {
    const definition = await api.definition(taskDefinition);
    if (definition === undefined) {
      const detail = `There is no task definition ${taskDefinition} (ECS_TASK_DEFINITION): register the one of docs/ecs.md.`;
      return { ok: false, detail };
    }
    const unfit = unfitDefinition(definition, settings);
    if (unfit !== undefined) {
      const detail = `The task definition ${taskDefinition} cannot keep a session in: ${unfit}. See docs/ecs.md.`;
      return { ok: false, detail };
    }
    return { ok: true, detail: `ECS answers and has ${taskDefinition}.` };
  } catch (error) {
    return { ok: false, detail: `ECS does not answer: ${problemOf(error)}`.slice(0, 2048) };
  }
}

/** Why no session may run by this task definition; undefined: it may. What is checked is what keeps a session in. */
export function unfitDefinition(
  definition: TaskDefinition,
  { capacity }: Pick<EcsSettings, 'capacity'>,
): string | undefined {
  const { containerDefinitions = [], requiresCompatibilities = [] } = definition;
  const session = containerDefinitions.find(({ name }) => name === SESSION);
  const porter = containerDefinitions.find(({ name }) => name === PORTER);
  if (session === undefined || porter === undefined) return `it has no containers ${PORTER} and ${SESSION}`;
  if (definition.taskRoleArn !== undefined)
    return 'it has a task role, whose credentials a session could take (taskRoleArn)';
  if (definition.networkMode !== 'awsvpc') return 'its network mode is not awsvpc, so no security group is its own';
  if (definition.pidMode !== undefined || definition.ipcMode !== undefined)
    return 'its containers share processes or memory (pidMode, ipcMode)';
  for (const way of capacity)
    if ('launchType' in way && !requiresCompatibilities.includes(way.launchType))
      return `it is not made for ${way.launchType} (requiresCompatibilities)`;
  return unfitSession(session) ?? unfitPorter(porter, session);
}

function unfitSession({
  user = '',
  privileged,
  readonlyRootFilesystem,
  essential,
  linuxParameters,
  mountPoints = [],
}: ContainerDefinition) {
  if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(user)) return `the container ${SESSION} runs as no numbered user but root (user)`;
  if (privileged === true) return `the container ${SESSION} is privileged`;
  if (readonlyRootFilesystem !== true)
    return `the root of the container ${SESSION} can be written (readonlyRootFilesystem)`;
  if (essential === false) return `the container ${SESSION} is not essential`;
  if (
    linuxParameters?.capabilities?.drop?.includes('ALL') !== true ||
    (linuxParameters.capabilities.add ?? []).length > 0
  )
    return `the container ${SESSION} keeps capabilities (linuxParameters.capabilities.drop: ALL)`;
  if (mountPoints.find(({ containerPath }) => containerPath === '/run/cc-docker')?.readOnly !== true)
    return `the container ${SESSION} can write to /run/cc-docker`;
  return undefined;
}

function unfitPorter({ essential, healthCheck, environment = [] }: ContainerDefinition, session: ContainerDefinition) {
  if (essential === false || healthCheck === undefined)
    return `the container ${PORTER} is not essential, or has no health check`;
  const waits = session.dependsOn?.some(
    ({ containerName, condition }) => containerName === PORTER && condition === 'HEALTHY',
  );
  if (waits !== true) return `the container ${SESSION} does not wait until ${PORTER} is HEALTHY (dependsOn)`;
  if (environment.some(({ name }) => name === 'CC_DOCKER_PORTER_TOKEN')) return 'a token stands in it';
  return undefined;
}
