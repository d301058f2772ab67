import type { Clock } from './clock.ts';
import type { ContainerEnd, TaskPlan, TaskRun, TaskRuntime } from './task-runtime.ts';

/** How long a task takes from a state to the next, milliseconds. */
export interface Delays {
  provisioning: number;
  pending: number;
  deactivating: number;
  deprovisioning: number;
}

/** A task as `DescribeTasks` says it. */
export interface TaskView {
  taskArn: string;
  clusterArn: string;
  taskDefinitionArn: string;
  launchType: string;
  cpu: string;
  memory: string;
  overrides: object;
  lastStatus: string;
  desiredStatus: string;
  startedBy?: string;
  stopCode?: string;
  stoppedReason?: string;
  /** Seconds. */
  createdAt: number;
  startedAt?: number;
  stoppingAt?: number;
  stoppedAt?: number;
  tags: { key: string; value: string }[];
  attachments: { type: string; status: string; details: { name: string; value: string }[] }[];
  containers: { name: string; lastStatus: string; healthStatus?: string; exitCode?: number; reason?: string }[];
}

export interface TaskOptions {
  plan: TaskPlan;
  /** What it is from the beginning. */
  view: Omit<TaskView, 'lastStatus' | 'desiredStatus' | 'createdAt' | 'attachments' | 'containers'>;
  clock: Clock;
  delays: Delays;
  runtime: TaskRuntime;
}

/** One task, from PROVISIONING to STOPPED. What it was at each time stays known: the API's answers are late. */
export class Task {
  readonly plan: TaskPlan;
  readonly #options: TaskOptions;
  #view: TaskView;
  readonly #history: { at: number; view: TaskView }[] = [];
  #run: TaskRun | undefined;
  #stopping = false;
  /** Resolves when it is STOPPED. */
  readonly stopped: Promise<void>;
  #isStopped: () => void = () => {};

  constructor(options: TaskOptions) {
    const { plan, view, clock } = options;
    this.plan = plan;
    this.#options = options;
    this.stopped = new Promise((resolve) => (this.#isStopped = resolve));
    this.#view = {
      ...view,
      lastStatus: 'PROVISIONING',
      desiredStatus: 'RUNNING',
      createdAt: seconds(clock),
      attachments: [{ type: 'ElasticNetworkInterface', status: 'PRECREATED', details: [] }],
      containers: plan.containers.map(({ name }) => ({ name, lastStatus: 'PENDING' })),
    };
    this.#keep();
    void this.#live();
  }

  /** As it is. */
  get now(): TaskView {
    return this.#view;
  }

  /** As it was at that time; undefined: there was none. */
  at(time: number): TaskView | undefined {
    return this.#history.findLast(({ at }) => at <= time)?.view;
  }

  /** From now on it is to be stopped. One that has stopped stays as it is. */
  stop(stopCode: string, stoppedReason: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // Tried against ECS by others, and documented: the tags go with the call.
    this.#set({
      desiredStatus: 'STOPPED',
      stopCode,
      stoppedReason,
      stoppingAt: seconds(this.#options.clock),
      tags: [],
    });
    void this.#end();
  }

  async #live(): Promise<void> {
    const { delays, runtime, plan, clock } = this.#options;
    await this.#pass(delays.provisioning);
    if (this.#stopping) return;
    try {
      const run = await runtime.create(plan);
      this.#run = run;
      const details = [{ name: 'privateIPv4Address', value: run.address }];
      this.#set({
        lastStatus: 'PENDING',
        attachments: [{ type: 'ElasticNetworkInterface', status: 'ATTACHED', details }],
      });
      await this.#pass(delays.pending);
      if (this.#stopping) return;
      this.#set({ lastStatus: 'ACTIVATING' });
      await run.start();
      if (this.#stopping) return;
      const containers = plan.containers.map(({ name }) => ({ name, lastStatus: 'RUNNING' }));
      this.#set({ lastStatus: 'RUNNING', startedAt: seconds(clock), containers });
      await run.essentialEnd;
      this.stop('EssentialContainerExited', 'Essential container in task exited');
    } catch (error) {
      this.stop('TaskFailedToStart', error instanceof Error ? error.message : String(error));
    }
  }

  async #end(): Promise<void> {
    const { delays, clock, plan } = this.#options;
    const wasRunning = this.#view.startedAt !== undefined;
    if (wasRunning) {
      this.#set({ lastStatus: 'DEACTIVATING' });
      await this.#pass(delays.deactivating);
    }
    this.#set({ lastStatus: 'STOPPING' });
    const ends: Record<string, ContainerEnd> = (await this.#run?.stop()) ?? {};
    const containers = plan.containers.map(({ name }) => {
      const { exitCode = null, reason } = ends[name] ?? {};
      return {
        name,
        lastStatus: 'STOPPED',
        ...(exitCode !== null && { exitCode }),
        ...(reason !== undefined && { reason }),
      };
    });
    this.#set({ lastStatus: 'DEPROVISIONING', containers });
    await this.#run?.remove();
    await this.#pass(delays.deprovisioning);
    this.#set({ lastStatus: 'STOPPED', stoppedAt: seconds(clock) });
    this.#isStopped();
  }

  #set(change: Partial<TaskView>): void {
    this.#view = { ...this.#view, ...change };
    this.#keep();
  }

  #keep(): void {
    this.#history.push({ at: this.#options.clock.now(), view: this.#view });
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }
}

const seconds = (clock: Clock): number => clock.now() / 1000;
