import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
  type RunTaskCommandInput,
  type Task,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import { proxiedAgents } from '../../lib/upstream-proxy/agents.ts';
import type { UpstreamProxies } from '../../lib/upstream-proxy/proxies.ts';
import { answerOf, answerOfError, type TaskAnswer } from './task-answer.ts';

/** Tasks that one call describes. */
const AT_ONCE = 100;

export interface EcsClientOptions {
  /** Absent: AWS's own. */
  endpoint?: string;
  /** Absent: as the SDK finds it, in the environment or where the runner's machine has its role. */
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  proxies?: UpstreamProxies;
}

export function ecsClient({ proxies, ...options }: EcsClientOptions): ECSClient {
  const agents = proxies === undefined ? undefined : proxiedAgents(proxies);
  return new ECSClient({
    // Callers have their own backoff, which they show to who waits.
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 20_000,
      ...(agents && { httpAgent: agents.http, httpsAgent: agents.https }),
    },
    ...options,
  });
}

/** The calls to ECS, for one cluster. Each throws what the SDK throws, unless something else is said. */
export class TaskApi {
  readonly #client: ECSClient;
  readonly #cluster: string;

  constructor(client: ECSClient, cluster: string) {
    this.#client = client;
    this.#cluster = cluster;
  }

  /** Never throws: that no answer came is an answer. */
  async run(request: RunTaskCommandInput): Promise<TaskAnswer> {
    try {
      return answerOf(await this.#client.send(new RunTaskCommand(request)));
    } catch (error) {
      return answerOfError(error);
    }
  }

  /** A task that is not there counts as stopped. */
  async stop(arn: string, reason: string): Promise<void> {
    try {
      await this.#client.send(new StopTaskCommand({ cluster: this.#cluster, task: arn, reason }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Those of them that ECS knows. A new task, and one that has stopped an hour ago, is not among them. */
  async describe(arns: readonly string[]): Promise<Map<string, Task>> {
    const found = new Map<string, Task>();
    for (let from = 0; from < arns.length; from += AT_ONCE) {
      const tasks = arns.slice(from, from + AT_ONCE);
      const answer = await this.#client.send(
        new DescribeTasksCommand({ cluster: this.#cluster, tasks, include: ['TAGS'] }),
      );
      for (const task of answer.tasks ?? []) if (task.taskArn !== undefined) found.set(task.taskArn, task);
    }
    return found;
  }

  /** The tasks with this mark that are to run, as far as ECS knows yet. */
  async list(startedBy: string): Promise<string[]> {
    const arns: string[] = [];
    let nextToken: string | undefined;
    do {
      const command = new ListTasksCommand({ cluster: this.#cluster, startedBy, nextToken });
      const answer = await this.#client.send(command);
      arns.push(...(answer.taskArns ?? []));
      nextToken = answer.nextToken;
    } while (nextToken !== undefined);
    return arns;
  }

  /** @returns undefined: there is none of this name */
  async definition(name: string): Promise<TaskDefinition | undefined> {
    try {
      const answer = await this.#client.send(new DescribeTaskDefinitionCommand({ taskDefinition: name }));
      return answer.taskDefinition;
    } catch (error) {
      if (error instanceof Error && error.name === 'ClientException') return undefined;
      throw error;
    }
  }

  close(): void {
    this.#client.destroy();
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'InvalidParameterException' && /not found/i.test(error.message);
}
