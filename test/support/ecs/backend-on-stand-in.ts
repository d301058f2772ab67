import { onTestFinished } from 'vitest';
import { ecsClient } from '../../../runner/backend/ecs/task-api.ts';
import { EcsBackend, type EcsBackendOptions, type EcsTimes } from '../../../runner/backend/ecs/ecs-backend.ts';
import type { EcsSettings } from '../../../runner/backend/ecs/task-request.ts';
import type { TaskDoor } from '../../../runner/backend/ecs/task-door.ts';
import { placementName } from '../../../runner/lib/placement-name.ts';
import { atMost } from '../patience.ts';
import { keptLog } from '../quiet-log.ts';
import { scratch } from '../scratch.ts';
import { CREDENTIALS, EcsStandIn, type EcsStandInOptions } from './ecs-stand-in.ts';
import { sessionDefinition } from './session-definition.ts';
import { PretendRuntime } from './task-runtime.ts';

export const ECS_SETTINGS: EcsSettings = {
  cluster: 'of-the-tests',
  taskDefinition: 'cc-docker-session',
  subnets: ['subnet-a', 'subnet-b'],
  securityGroups: ['sg-tasks'],
  assignPublicIp: false,
  capacity: [{ provider: 'FARGATE_SPOT' }, { launchType: 'FARGATE' }],
  ebsRole: undefined,
};

/** Of a day in AWS, a few milliseconds. How long a task may take depends on the machine: 20 at once are 40 containers. */
const QUICK: EcsTimes = {
  room: atMost(30),
  arrival: atMost(30),
  lost: atMost(30),
  answer: atMost(30),
  look: 10,
  gone: 1_000,
  sweep: 50,
  backoff: { minMs: 5, maxMs: 50 },
};

/** Where tasks are containers, which take a second: a look costs more CPU time than what it waits for. */
export const QUICK_CONTAINERS: EcsTimes = { ...QUICK, look: 250, sweep: 1_000 };

/** A door to which each task comes as soon as it is expected. */
export function openDoor(): TaskDoor & { expected: Set<string> } {
  const expected = new Set<string>();
  return {
    expected,
    address: '10.0.0.1:7443',
    ca: '-----BEGIN CERTIFICATE-----',
    expect: async (key) => {
      expected.add(placementName(key));
      return { token: `token of ${placementName(key)}` };
    },
    bind: () => true,
    isHere: () => true,
    arrived: async () => undefined,
    close: async () => {},
    forget: async (key) => void expected.delete(placementName(key)),
  };
}

/** A cluster of the stand-in whose tasks only pretend to run, and backends on it. */
export async function backendOnStandIn(options: Omit<EcsStandInOptions, 'runtime'> = {}) {
  const runtime = new PretendRuntime();
  const delays = { provisioning: 5, pending: 5, deactivating: 5, deprovisioning: 5 };
  const ecs = await EcsStandIn.start({ runtime, delays, lateMs: 20, ...options });
  onTestFinished(() => ecs.close());
  ecs.operations.register(sessionDefinition());
  const sessions = scratch();
  const { log, lines } = keptLog();
  /** A backend of the same runner, as each of its processes makes one. */
  const newBackend = (more: Partial<EcsBackendOptions> = {}): EcsBackend => {
    const client = ecsClient({ endpoint: ecs.url, region: 'eu-central-1', credentials: CREDENTIALS });
    const door = openDoor();
    const backend = new EcsBackend({
      client,
      settings: ECS_SETTINGS,
      door,
      files: { load: async () => {}, fetch: async () => {}, unload: async () => true },
      runnerId: 'a-runner',
      sessions,
      log,
      ...more,
      times: { ...QUICK, ...more.times },
    });
    onTestFinished(() => backend.close());
    return backend;
  };
  /** Tasks that are to run. */
  const wanted = () => ecs.operations.tasks.filter(({ now }) => now.desiredStatus === 'RUNNING');
  return { ecs, runtime, sessions, lines, newBackend, wanted };
}
