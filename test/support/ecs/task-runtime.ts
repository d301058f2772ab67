import type { ContainerDefinition, TaskDefinition } from './api/task-definition.ts';

/** A container of a task with its overrides. */
export type TaskContainer = ContainerDefinition;

export interface TaskPlan {
  /** The last part of the task's ARN. */
  id: string;
  definition: TaskDefinition;
  containers: TaskContainer[];
}

/** How a container of a task ended. */
export interface ContainerEnd {
  exitCode: number | null;
  /** ECS's own words, such as `OutOfMemoryError: …`. */
  reason?: string;
}

/** What runs a task that ECS has placed. */
export interface TaskRun {
  /** The private address of its one network card. */
  readonly address: string;
  /** Starts its containers in their order. Resolves when all run. @throws what ECS would call the reason */
  start(): Promise<void>;
  /** Resolves when a container that is essential has ended, with its name. */
  readonly essentialEnd: Promise<string>;
  /** SIGTERM to all, SIGKILL after each one's `stopTimeout`. Resolves when all have ended, with how. */
  stop(): Promise<Record<string, ContainerEnd>>;
  /** Nothing of it stays. */
  remove(): Promise<void>;
}

export interface TaskRuntime {
  create(plan: TaskPlan): Promise<TaskRun>;
}

/** Runs nothing: a task is what a test says of it. */
export class PretendRuntime implements TaskRuntime {
  readonly #ends = new Map<string, (container: string, end: ContainerEnd) => void>();
  #addresses = 0;

  /** A container of that task ends by itself. */
  end(id: string, container: string, end: ContainerEnd): void {
    this.#ends.get(id)?.(container, end);
  }

  async create({ id, containers }: TaskPlan): Promise<TaskRun> {
    const ended: Record<string, ContainerEnd> = {};
    this.#addresses += 1;
    const essentialEnd = new Promise<string>((resolve) => {
      this.#ends.set(id, (name, end) => {
        ended[name] = end;
        if (containers.find((one) => one.name === name)?.essential === true) resolve(name);
      });
    });
    const missing = containers.find(({ image }) => image.endsWith(':missing'));
    return {
      address: `10.0.${Math.floor(this.#addresses / 250)}.${1 + (this.#addresses % 250)}`,
      essentialEnd,
      start: async () => {
        if (missing !== undefined)
          throw new Error(`CannotPullContainerError: pull image manifest: ${missing.image}: not found`);
      },
      stop: async () =>
        Object.fromEntries(
          containers.map(({ name }) => [name, ended[name] ?? ({ exitCode: 143 } satisfies ContainerEnd)]),
        ),
      remove: async () => void this.#ends.delete(id),
    };
  }
}
