import { createHash } from 'node:crypto';
import type { KeyValuePair, RunTaskCommandInput, Task } from '@aws-sdk/client-ecs';
import { placementKey, type PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { Resources } from '../../../protocol/api/session/session-config.ts';
import { ec2Size, fargateSize, volumeGib } from './task-size.ts';

/** The containers of the operator's task definition. */
export const PORTER = 'porter';
export const SESSION = 'session';
/** The volume of the session's files, where it is one of EBS. */
const FILES_VOLUME = 'workspace';

/** ECS's own limit of all overrides together, characters. */
const OVERRIDES_LIMIT = 8192;

/** What only the operator decides about tasks. */
export interface EcsSettings {
  /** Name or ARN. */
  cluster: string;
  /** `family` or `family:revision`. */
  taskDefinition: string;
  /** Where a task's card may be. Each is tried for itself when there is no room in all. */
  subnets: readonly string[];
  securityGroups: readonly string[];
  assignPublicIp: boolean;
  /** What tasks run on, the best first: tried one after the other when there is no room. */
  capacity: readonly Capacity[];
  /** The role with which ECS makes a volume of EBS for each session; undefined: files are on the task's own storage. */
  ebsRole: string | undefined;
}
type Capacity = { launchType: 'FARGATE' | 'EC2' } | { provider: string };

/** What a task of one session needs from its runner. */
export interface TaskOrder {
  key: PlacementKey;
  resources: Resources;
  runnerId: string;
  /** For the porter alone: where the runner is, how it is known, and the token for one visit. */
  porter: Readonly<Record<string, string>>;
  /** How often there was no room for it already. */
  attempt: number;
}

/** Tasks of one runner have this mark: the only filter of a list of tasks. */
export const startedBy = (runnerId: string): string => `cc-docker/${runnerId}`;

/**
 * The whole request for a session's task: from the operator's settings, the session's key, and numbers that the operator's
 * limits cap. What else a client asks for reaches the session over the porter.
 *
 * @returns a string: why there can be no such task, for the session's user
 */
export function taskRequest(settings: EcsSettings, order: TaskOrder): RunTaskCommandInput | string {
  const { key, resources, runnerId, porter, attempt } = order;
  const { capacity, subnets } = placeOf(settings, attempt);
  const isFargate =
    'launchType' in capacity ? capacity.launchType === 'FARGATE' : capacity.provider.startsWith('FARGATE');
  const size = isFargate ? fargateSize(resources) : ec2Size(resources);
  if (size === undefined)
    return `Fargate has no size with ${resources.cpus} cores, ${resources.memory_mb} MB of memory and ${resources.workspace_mb ?? 0} MB of files: ask for less in config.resources.`;
  const own = { CC_DOCKER_SESSION: key.session_id, CC_DOCKER_EPOCH: String(key.epoch) };
  const overrides = {
    cpu: String(size.cpu),
    memory: String(size.memory),
    ...(size.storageGib !== undefined &&
      settings.ebsRole === undefined && { ephemeralStorage: { sizeInGiB: size.storageGib } }),
    containerOverrides: [
      { name: PORTER, environment: pairs({ ...porter, ...own }) },
      { name: SESSION, memory: size.sessionMemory },
    ],
  };
  if (JSON.stringify(overrides).length > OVERRIDES_LIMIT) throw new Error('overrides over the limit of ECS');
  const request: RunTaskCommandInput = {
    cluster: settings.cluster,
    taskDefinition: settings.taskDefinition,
    count: 1,
    startedBy: startedBy(runnerId),
    // Nobody gets a shell in a session past the runner.
    enableExecuteCommand: false,
    ...('launchType' in capacity
      ? { launchType: capacity.launchType }
      : { capacityProviderStrategy: [{ capacityProvider: capacity.provider, weight: 1 }] }),
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...subnets],
        securityGroups: [...settings.securityGroups],
        assignPublicIp: settings.assignPublicIp ? 'ENABLED' : 'DISABLED',
      },
    },
    overrides,
    ...(settings.ebsRole !== undefined && {
      volumeConfigurations: [
        {
          name: FILES_VOLUME,
          managedEBSVolume: {
            roleArn: settings.ebsRole,
            sizeInGiB: volumeGib(resources),
            volumeType: 'gp3',
            filesystemType: 'ext4',
            terminationPolicy: { deleteOnTermination: true },
          },
        },
      ],
    }),
    tags: [
      { key: 'cc-docker.runner', value: runnerId },
      { key: 'cc-docker.session', value: key.session_id },
      { key: 'cc-docker.epoch', value: String(key.epoch) },
    ],
  };
  return { ...request, clientToken: clientToken(request, attempt) };
}

/** How many ways there are to ask for room before the first one is tried again. */
export const waysToAsk = ({ capacity, subnets }: EcsSettings): number =>
  capacity.length * (subnets.length > 1 ? subnets.length + 1 : 1);

/** First all subnets at once, so that ECS chooses; then each for itself: a zone without room may hide one that has it. */
function placeOf(settings: EcsSettings, attempt: number): { capacity: Capacity; subnets: readonly string[] } {
  const { capacity, subnets } = settings;
  const nth = Math.floor(attempt / capacity.length) % (subnets.length > 1 ? subnets.length + 1 : 1);
  const chosen = capacity[attempt % capacity.length];
  if (chosen === undefined) throw new Error('no capacity is set');
  return { capacity: chosen, subnets: nth === 0 ? subnets : subnets.slice(nth - 1, nth) };
}

/**
 * The same request has the same token, from whichever process of the runner: ECS makes one task of it within 24 hours. The next
 * attempt has another one: with the same one a task that got no room would be the answer again.
 */
function clientToken(request: RunTaskCommandInput, attempt: number): string {
  return createHash('sha256')
    .update(JSON.stringify([attempt, request]))
    .digest('hex');
}

/** Whose task it is. Its tags go when it is stopped, and what was overridden stays. @returns undefined: no session's */
export function keyOfTask({ tags = [], overrides }: Task): PlacementKey | undefined {
  const porter = overrides?.containerOverrides?.find(({ name }) => name === PORTER)?.environment ?? [];
  const of = (tag: string, variable: string): string | undefined =>
    tags.find((one) => one.key === tag)?.value ?? porter.find((one) => one.name === variable)?.value;
  return placementKey.safeParse({
    session_id: of('cc-docker.session', 'CC_DOCKER_SESSION'),
    epoch: Number(of('cc-docker.epoch', 'CC_DOCKER_EPOCH')),
  }).data;
}

function pairs(environment: Readonly<Record<string, string>>): KeyValuePair[] {
  return Object.entries(environment).map(([name, value]) => ({ name, value }));
}
