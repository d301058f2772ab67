import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { ApiError, invalid, refused } from './api-error.ts';
import type { Clock } from '../clock.ts';
import { isFargateSize } from './fargate-sizes.ts';
import { describeTasksInput, listTasksInput, runTaskInput, stopTaskInput, type RunTaskInput } from './inputs.ts';
import { Task, type Delays, type TaskView } from '../task.ts';
import { taskDefinition, type TaskDefinition } from './task-definition.ts';
import type { TaskContainer, TaskRuntime } from '../task-runtime.ts';

const HOUR = 3_600_000;
const ARN = 'arn:aws:ecs:eu-central-1:000000000000';

export interface OperationsOptions {
  cluster: string;
  clock: Clock;
  runtime: TaskRuntime;
  delays: Delays;
  /** How late `DescribeTasks` and `ListTasks` are, milliseconds. */
  lateMs: number;
}

/** What an ECS cluster does when it is asked. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #definitions = new Map<string, TaskDefinition>();
  readonly #tasks = new Map<string, Task>();
  readonly #tokens = new Map<string, { at: number; input: RunTaskInput; tasks: Task[] }>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** All tasks that were ever accepted, also those that the API has forgotten. */
  get tasks(): Task[] {
    return [...this.#tasks.values()];
  }

  /** What an operator does beforehand. */
  register(definition: z.input<typeof taskDefinition>): void {
    const parsed = taskDefinition.parse(definition);
    this.#definitions.set(parsed.family, parsed);
  }

  /** Answers a call of this operation. @throws ApiError */
  call(operation: string, input: unknown): unknown {
    switch (operation) {
      case 'RunTask':
        return this.#runTask(parsed(runTaskInput, input));
      case 'StopTask':
        return this.#stopTask(parsed(stopTaskInput, input));
      case 'DescribeTasks':
        return this.#describe(parsed(describeTasksInput, input));
      case 'ListTasks':
        return this.#list(parsed(listTasksInput, input));
      case 'DescribeTaskDefinition':
        return this.#describeDefinition(input);
      default:
        throw new ApiError('UnknownOperationException', '');
    }
  }

  #runTask(input: RunTaskInput): unknown {
    this.#inCluster(input.cluster);
    const { clientToken, startedBy, overrides, tags = [], count } = input;
    if (JSON.stringify(overrides ?? {}).length > 8192) throw invalid('Container Overrides length must be at most 8192');
    if (input.launchType !== undefined && input.capacityProviderStrategy !== undefined)
      throw invalid(
        'Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.',
      );
    const known = clientToken === undefined ? undefined : this.#tokens.get(clientToken);
    if (known !== undefined && this.#options.clock.now() - known.at < 24 * HOUR) {
      if (isDeepStrictEqual(known.input, input)) return { tasks: known.tasks.map((task) => task.now), failures: [] };
      throw new ApiError('ConflictException', 'The request conflicts with an earlier one of the same client token.', {
        more: { resourceIds: known.tasks.map((task) => task.now.taskArn) },
      });
    }
    const family = input.taskDefinition.split('/').at(-1)?.split(':')[0] ?? '';
    const definition = this.#definitions.get(family);
    if (definition === undefined) throw refused('TaskDefinition not found.');
    const fargate =
      input.launchType === 'FARGATE' ||
      (input.capacityProviderStrategy ?? []).some(({ capacityProvider }) => capacityProvider.startsWith('FARGATE'));
    if (fargate && !definition.requiresCompatibilities.includes('FARGATE'))
      throw invalid('Task definition does not support launch_type FARGATE.');
    const [cpu, memory] = [Number(overrides?.cpu ?? definition.cpu), Number(overrides?.memory ?? definition.memory)];
    if (fargate && !isFargateSize(cpu, memory)) throw refused('No Fargate configuration exists for given values.');
    const containers = containersOf(definition, input);
    const tasks = Array.from({ length: count }, () => {
      const id = randomUUID().replaceAll('-', '');
      const task = new Task({
        ...this.#options,
        plan: { id, definition, containers },
        view: {
          taskArn: `${ARN}:task/${this.#options.cluster}/${id}`,
          clusterArn: `${ARN}:cluster/${this.#options.cluster}`,
          taskDefinitionArn: `${ARN}:task-definition/${family}:1`,
          launchType: fargate ? 'FARGATE' : 'EC2',
          cpu: String(cpu),
          memory: String(memory),
          tags,
          overrides: overrides ?? {},
          ...(startedBy !== undefined && { startedBy }),
        },
      });
      this.#tasks.set(id, task);
      return task;
    });
    if (clientToken !== undefined) this.#tokens.set(clientToken, { at: this.#options.clock.now(), input, tasks });
    return { tasks: tasks.map((task) => task.now), failures: [] };
  }

  #stopTask({ cluster, task: name, reason }: z.infer<typeof stopTaskInput>): unknown {
    this.#inCluster(cluster);
    const task = this.#tasks.get(idOf(name));
    if (task === undefined || this.#forgotten(task)) throw invalid('The referenced task was not found.');
    task.stop('UserInitiated', reason ?? 'Task stopped by user');
    return { task: task.now };
  }

  #describe({ cluster, tasks, include = [] }: z.infer<typeof describeTasksInput>): unknown {
    this.#inCluster(cluster);
    const seen = tasks.map((name) => ({ name, view: this.#seen(this.#tasks.get(idOf(name))) }));
    return {
      tasks: seen.flatMap(({ view }) =>
        view === undefined ? [] : [{ ...view, tags: include.includes('TAGS') ? view.tags : [] }],
      ),
      failures: seen.flatMap(({ name, view }) =>
        view === undefined ? [{ arn: `${ARN}:task/${this.#options.cluster}/${idOf(name)}`, reason: 'MISSING' }] : [],
      ),
    };
  }

  #list(input: z.infer<typeof listTasksInput>): unknown {
    const { cluster, startedBy, desiredStatus, nextToken, maxResults = 100 } = input;
    this.#inCluster(cluster);
    if (startedBy !== undefined && desiredStatus !== undefined)
      throw invalid('startedBy cannot be combined with another filter.');
    const views = this.tasks
      .flatMap((task) => this.#seen(task) ?? [])
      .filter((view) => view.desiredStatus === (desiredStatus ?? 'RUNNING'))
      .filter((view) => startedBy === undefined || view.startedBy === startedBy);
    const from = Number(nextToken ?? 0);
    const page = views.slice(from, from + maxResults);
    const next = from + page.length;
    return { taskArns: page.map(({ taskArn }) => taskArn), ...(next < views.length && { nextToken: String(next) }) };
  }

  #describeDefinition(input: unknown): unknown {
    const { taskDefinition: name } = parsed(z.object({ taskDefinition: z.string() }), input);
    const definition = this.#definitions.get(name.split('/').at(-1)?.split(':')[0] ?? '');
    if (definition === undefined) throw refused('Unable to describe task definition.');
    const { family } = definition;
    return {
      taskDefinition: {
        ...definition,
        taskDefinitionArn: `${ARN}:task-definition/${family}:1`,
        revision: 1,
        status: 'ACTIVE',
      },
      tags: [],
    };
  }

  /** What the API says of it now. */
  #seen(task: Task | undefined): TaskView | undefined {
    if (task === undefined || this.#forgotten(task)) return undefined;
    return task.at(this.#options.clock.now() - this.#options.lateMs);
  }

  #forgotten({ now: { stoppedAt } }: Task): boolean {
    return stoppedAt !== undefined && this.#options.clock.now() - stoppedAt * 1000 > HOUR;
  }

  #inCluster(name: string | undefined): void {
    if ((name ?? 'default').split('/').at(-1) !== this.#options.cluster)
      throw new ApiError('ClusterNotFoundException', 'Cluster not found.');
  }
}

const idOf = (name: string): string => name.split('/').at(-1) ?? '';

function parsed<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (!result.success) throw invalid(z.prettifyError(result.error));
  return result.data;
}

/** The containers of the definition, with what this call changes of them. */
function containersOf(definition: TaskDefinition, { overrides }: RunTaskInput): TaskContainer[] {
  const changes = overrides?.containerOverrides ?? [];
  for (const { name } of changes)
    if (!definition.containerDefinitions.some((container) => container.name === name))
      throw invalid(`Override for container named ${name} is not a container in the TaskDefinition.`);
  return definition.containerDefinitions.map((container) => {
    const { environment = [], ...change } = changes.find(({ name }) => name === container.name) ?? {};
    const kept = container.environment.filter(({ name }) => !environment.some((one) => one.name === name));
    return { ...container, ...change, environment: [...kept, ...environment] };
  });
}
