import type { ECSClient, Task } from '@aws-sdk/client-ecs';
import type { BackendHealth, PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import type { BackoffRange } from '../../lib/backoff.ts';
import type { Log } from '../../lib/log.ts';
import { placementName } from '../../lib/placement-name.ts';
import { sessionFolders, type SessionFolders } from '../../lib/session-folders.ts';
import type { ContainerBackend, ContainerExit, OwnContainer, StartOptions, StartResult } from '../backend.ts';
import { CONTAINER_LAYOUT } from '../container-spec.ts';
import { TaskApi } from './task-api.ts';
import { askPatiently } from './task-answer.ts';
import { arrival, type TaskDoor, type TaskFiles } from './task-door.ts';
import { exitOf } from './task-end.ts';
import { addressOf, TaskPlacer } from './task-placer.ts';
import { readTaskRecord, readTaskRecords, removeTaskRecord } from './task-record.ts';
import { keyOfTask, startedBy, type EcsSettings } from './task-request.ts';
import { TaskSweep } from './task-sweep.ts';
import { hasEnded, TaskWatch } from './task-watch.ts';
import { definitionHealth } from './task-definition.ts';

export interface EcsBackendOptions {
  client: ECSClient;
  settings: EcsSettings;
  door: TaskDoor;
  files: TaskFiles;
  runnerId: string;
  /** The folder that has a folder for each session. */
  sessions: string;
  log: Log;
  times?: Partial<EcsTimes>;
}

/** Milliseconds. */
export interface EcsTimes {
  /** How long a session waits for room. */
  room: number;
  /** From a task that has its card until its session can speak. */
  arrival: number;
  /** How long a task may be out of reach while ECS says that it runs. */
  lost: number;
  /** For how long something is asked again when ECS has no time to answer. */
  answer: number;
  /** Between two looks at the tasks that are waited for. */
  look: number;
  /** How long a task that ECS does not know may be one that it does not know yet. */
  gone: number;
  /** Between two looks for tasks that nobody knows. */
  sweep: number;
  /** Between two requests for the same task. */
  backoff: BackoffRange;
}

const TIMES: EcsTimes = {
  room: 600_000,
  arrival: 300_000,
  lost: 300_000,
  // Less than `RUNNER_LOST_AFTER` of the edge, after which it gives the sessions of a runner up.
  answer: 45_000,
  look: 2_000,
  gone: 60_000,
  sweep: 60_000,
  backoff: { minMs: 1_000, maxMs: 30_000 },
};

/** The user of a session's processes in its task, as the task definition has it. */
export const TASK_OWNER = { uid: 1000, gid: 1000 };

/** How long a task may take to hand over its files while it runs. */
const FETCH_MS = 120_000;

const GONE: ContainerExit = { code: null, signal: null, outOfMemory: false, removed: true, log: '' };

/**
 * Runs sessions as tasks of Amazon ECS. The runner stays the broker: a task reaches its one address, over TLS, and nothing
 * else. What belongs to a session goes over the porter, which the task has beside the session (`TaskDoor`).
 */
export class EcsBackend implements ContainerBackend {
  readonly name = 'ecs';
  readonly owner = TASK_OWNER;
  readonly seal;
  readonly line;
  /** On Fargate each task is a virtual machine. */
  readonly ownKernel;
  readonly canPause = false;
  readonly hasFilesHere = false;
  readonly #options: EcsBackendOptions;
  readonly #times: EcsTimes;
  readonly #api: TaskApi;
  readonly #watch: TaskWatch;
  readonly #placer: TaskPlacer;
  readonly #sweep: TaskSweep;
  /** The tasks of this runner, by the names of their placements; null: it is being asked for. */
  readonly #tasks = new Map<string, string | null>();
  #closed = false;

  constructor(options: EcsBackendOptions) {
    this.#options = options;
    const { client, settings, log, runnerId } = options;
    const times = { ...TIMES, ...options.times };
    this.#times = times;
    this.#api = new TaskApi(client, settings.cluster);
    this.#watch = new TaskWatch({ api: this.#api, everyMs: times.look, goneAfterMs: times.gone, log });
    const shared = { api: this.#api, watch: this.#watch, settings, runnerId, log };
    this.#placer = new TaskPlacer({ ...shared, roomMs: times.room, backoff: times.backoff });
    this.#sweep = new TaskSweep({ ...shared, everyMs: times.sweep, tasks: this.#tasks });
    const colon = options.door.address.lastIndexOf(':');
    const [host, port] = [options.door.address.slice(0, colon), Number(options.door.address.slice(colon + 1))];
    this.seal = { runner: { host, port } };
    this.line = { isUp: (key: PlacementKey) => options.door.isHere(key), lostAfterMs: times.lost };
    this.ownKernel = settings.capacity.every((way) =>
      'launchType' in way ? way.launchType === 'FARGATE' : way.provider.startsWith('FARGATE'),
    );
  }

  layout() {
    return CONTAINER_LAYOUT;
  }

  /** ECS has none of them, but for the number of open files. */
  ownLimits({ pids, workspace_mb }: Resources): NonNullable<WrapperLaunch['limits']> {
    return {
      // The kernel counts all processes of a user. Where others have sessions on it too, theirs would count.
      ...(this.ownKernel && { processes: pids }),
      ...(workspace_mb !== null && { file_bytes: (workspace_mb + 1) * 1024 * 1024 }),
    };
  }

  async health(): Promise<BackendHealth> {
    return await definitionHealth(this.#api, this.#options.settings);
  }

  async start(
    key: PlacementKey,
    folders: SessionFolders,
    resources: Resources | null,
    options: StartOptions,
  ): Promise<StartResult> {
    if (resources === null) throw new Error('a container without limits');
    const name = placementName(key);
    if (typeof this.#tasks.get(name) === 'string') return { ok: true };
    this.#tasks.set(name, null);
    try {
      const result = await this.#start(key, folders, resources, options);
      if (!result.ok) await this.#giveUp(key, folders);
      return result;
    } catch (error) {
      // The next process of the runner finds what is written down, and goes on.
      if (this.#closed) throw error;
      await this.#giveUp(key, folders);
      if (options.signal.aborted)
        return { ok: false, failure: { code: 'container_start_failed', detail: 'It was stopped while it started.' } };
      throw error;
    }
  }

  async #start(
    key: PlacementKey,
    folders: SessionFolders,
    resources: Resources,
    { signal, onWaiting }: StartOptions,
  ): Promise<StartResult> {
    const { door, files } = this.#options;
    const known = await readTaskRecord(folders);
    // A task that an earlier process of the runner has asked for may have them already.
    if (known?.epoch !== key.epoch) await files.load(folders);
    const { token } = await door.expect(key, folders);
    const porter = {
      CC_DOCKER_RUNNER_ADDRESS: door.address,
      CC_DOCKER_RUNNER_CA: door.ca,
      CC_DOCKER_PORTER_TOKEN: token,
    };
    const onAccepted = (arn: string): void => void this.#tasks.set(placementName(key), arn);
    const placed = await this.#placer.place({ key, folders, resources, porter, onAccepted, signal, onWaiting });
    if (!placed.ok) return placed;
    const { arn, task } = placed;
    const address = addressOf(task);
    if (address === undefined || !door.bind(key, address)) {
      const detail = 'Someone else than the session’s task came to the runner with its token. The task was stopped.';
      return { ok: false, failure: { code: 'container_start_failed', detail } };
    }
    return await arrival({ door, watch: this.#watch, key, arn, ms: this.#times.arrival, signal });
  }

  /** There is to be no task of it. */
  async #giveUp(key: PlacementKey, folders: SessionFolders): Promise<void> {
    const { door, log } = this.#options;
    const name = placementName(key);
    const arn = this.#tasks.get(name);
    await door.forget(key);
    // What ECS accepted without our hearing of it has no name here, and is swept.
    this.#tasks.delete(name);
    if (typeof arn === 'string')
      await this.#api
        .stop(arn, 'The session was given up.')
        .catch((error: unknown) => log.warn('task not stopped', { arn, error }));
    await removeTaskRecord(folders);
  }

  async adopt(key: PlacementKey, folders: SessionFolders): Promise<void> {
    await this.#options.door.expect(key, folders);
  }

  /** ECS gives it the `stopTimeout` of the task definition, whatever `graceMs` is. */
  async stop(key: PlacementKey): Promise<void> {
    const arn = this.#tasks.get(placementName(key));
    if (typeof arn !== 'string') return;
    await this.#patiently(() => this.#api.stop(arn, 'The session was stopped.'));
    await this.#watch.until(arn, hasEnded);
  }

  async pause(): Promise<void> {
    throw new Error('ECS cannot pause a task');
  }

  async resume(): Promise<void> {}

  async processes(): Promise<number | null> {
    return null;
  }

  async wait(key: PlacementKey): Promise<ContainerExit> {
    const arn = this.#tasks.get(placementName(key));
    if (typeof arn !== 'string') return GONE;
    const task = await this.#watch.until(arn, hasEnded);
    const exit = task === undefined ? GONE : exitOf(task);
    const isSaved = await this.#unload(key);
    // From now on the session's files are here.
    await this.#options.door.forget(key);
    return isSaved ? exit : { ...exit, filesUnsaved: true };
  }

  async syncFiles(key: PlacementKey, folders: SessionFolders): Promise<void> {
    await this.#options.files.fetch(key, folders, AbortSignal.timeout(FETCH_MS));
  }

  async #unload(key: PlacementKey): Promise<boolean> {
    const { files, sessions } = this.#options;
    return await files.unload(sessionFolders(sessions, key.session_id));
  }

  async remove(key: PlacementKey): Promise<void> {
    const { door, sessions } = this.#options;
    await this.stop(key);
    await door.forget(key);
    this.#tasks.delete(placementName(key));
    const folders = sessionFolders(sessions, key.session_id);
    const record = await readTaskRecord(folders);
    if (record?.epoch === key.epoch) await removeTaskRecord(folders);
  }

  async list(): Promise<OwnContainer[]> {
    const { runnerId, sessions, log } = this.#options;
    const recorded = await readTaskRecords(sessions, log);
    // A runner that did not know its tasks would give all their sessions up.
    const { arns, tasks } = await this.#patiently(async () => {
      const listed = await this.#api.list(startedBy(runnerId));
      const arns = [...new Set([...recorded.keys(), ...listed])];
      return { arns, tasks: await this.#api.describe(arns) };
    });
    const found = new Map<string, OwnContainer>();
    for (const arn of arns) {
      const task = tasks.get(arn);
      // What the runner wrote down is first: of two tasks of one key, the other is swept.
      const key = recorded.get(arn) ?? (task === undefined ? undefined : keyOfTask(task));
      if (key === undefined || found.has(placementName(key))) continue;
      this.#tasks.set(placementName(key), arn);
      found.set(placementName(key), { key, running: task !== undefined && !isEnding(task) });
      // One that is ending has its files to save yet: its porter may come again.
      if (task !== undefined && !hasEnded(task)) await this.adopt(key, sessionFolders(sessions, key.session_id));
    }
    this.#sweep.start();
    return [...found.values()];
  }

  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    const { answer: forMs, backoff } = this.#times;
    return await askPatiently({ forMs, backoff, isOver: () => this.#closed, log: this.#options.log }, ask);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sweep.stop();
    this.#watch.close();
    await this.#options.door.close();
    this.#api.close();
  }
}

const isEnding = (task: Task): boolean => task.desiredStatus === 'STOPPED';
