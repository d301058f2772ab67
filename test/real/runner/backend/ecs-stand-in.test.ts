import {
  DescribeTasksCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
  type RunTaskCommandInput,
} from '@aws-sdk/client-ecs';
import { expect, onTestFinished, test } from 'vitest';
import { TurnedClock } from '../../../support/ecs/clock.ts';
import { CREDENTIALS, EcsStandIn, type EcsStandInOptions } from '../../../support/ecs/ecs-stand-in.ts';
import { PretendRuntime } from '../../../support/ecs/task-runtime.ts';

const DELAYS = { provisioning: 1_000, pending: 2_000, deactivating: 1_000, deprovisioning: 1_000 };
const CLUSTER = { cluster: 'of-the-tests' };
const RUN: RunTaskCommandInput = {
  ...CLUSTER,
  taskDefinition: 'session',
  launchType: 'FARGATE',
  startedBy: 'runner/one',
  networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-a'] } },
};

async function setUp(options: Omit<EcsStandInOptions, 'clock' | 'runtime'> = {}) {
  const clock = new TurnedClock();
  const runtime = new PretendRuntime();
  const standIn = await EcsStandIn.start({ clock, runtime, delays: DELAYS, ...options });
  const ecs = new ECSClient({
    endpoint: standIn.url,
    region: 'eu-central-1',
    credentials: CREDENTIALS,
    // Its own tries would count.
    ...(options.throttled === true && { maxAttempts: 1 }),
  });
  onTestFinished(async () => {
    ecs.destroy();
    const closed = standIn.close();
    await clock.turn(60_000);
    await closed;
  });
  standIn.operations.register({
    family: 'session',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE', 'EC2'],
    cpu: '256',
    memory: '512',
    containerDefinitions: [{ name: 'main', image: 'an-image' }],
  });
  const run = async (more: Partial<RunTaskCommandInput> = {}) =>
    await ecs.send(new RunTaskCommand({ ...RUN, ...more }));
  const describe = async (arn: string) => {
    const { tasks = [], failures = [] } = await ecs.send(
      new DescribeTasksCommand({ ...CLUSTER, tasks: [arn], include: ['TAGS'] }),
    );
    return tasks[0] ?? failures[0]?.reason;
  };
  const begun = async (more: Partial<RunTaskCommandInput> = {}) => (await run(more)).tasks?.[0]?.taskArn ?? '';
  return { clock, runtime, standIn, ecs, run, describe, begun };
}

/** How many of so many calls are answered. */
const calls = async (count: number, call: () => Promise<unknown>): Promise<number> => {
  const results = await Promise.allSettled(Array.from({ length: count }, call));
  return results.filter(({ status }) => status === 'fulfilled').length;
};

test('a task goes through its states in their order, and its end says why', async () => {
  const { clock, runtime, begun, describe } = await setUp();
  const arn = await begun({ tags: [{ key: 'session', value: 's' }] });
  expect(await describe(arn)).toMatchObject({ lastStatus: 'PROVISIONING', tags: [{ value: 's' }] });
  await clock.turn(1_000);
  expect(await describe(arn)).toMatchObject({ lastStatus: 'PENDING', attachments: [{ status: 'ATTACHED' }] });
  await clock.turn(2_000);
  expect(await describe(arn)).toMatchObject({ lastStatus: 'RUNNING', startedAt: new Date(clock.now()) });
  runtime.end(arn.split('/').at(-1) ?? '', 'main', { exitCode: 7 });
  const seen: unknown[] = [];
  for (let second = 0; second < 4; second += 1) {
    await clock.turn(second === 0 ? 0 : 1_000);
    const task = await describe(arn);
    seen.push(typeof task === 'object' ? task.lastStatus : task);
  }
  expect(seen).toEqual(['DEACTIVATING', 'DEPROVISIONING', 'STOPPED', 'STOPPED']);
  expect(await describe(arn)).toMatchObject({
    stopCode: 'EssentialContainerExited',
    containers: [{ name: 'main', exitCode: 7 }],
  });
  await clock.turn(3_601_000);
  expect(await describe(arn)).toBe('MISSING');
});

test('to stop a task takes its tags, and a task that is not there cannot be stopped', async () => {
  const { clock, begun, describe, ecs } = await setUp();
  const arn = await begun({ tags: [{ key: 'session', value: 's' }] });
  await clock.turn(5_000);
  await ecs.send(new StopTaskCommand({ ...CLUSTER, task: arn, reason: 'enough' }));
  expect(await describe(arn)).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough', tags: [] });
  await expect(ecs.send(new StopTaskCommand({ ...CLUSTER, task: 'nobody' }))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  await expect(ecs.send(new StopTaskCommand({ cluster: 'other', task: arn }))).rejects.toMatchObject({
    name: 'ClusterNotFoundException',
  });
});

test('an image that is missing is said by the task, not by the call', async () => {
  const { clock, standIn, begun, describe } = await setUp();
  standIn.operations.register({
    family: 'session',
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: '256',
    memory: '512',
    containerDefinitions: [{ name: 'main', image: 'an-image:missing' }],
  });
  const arn = await begun();
  await clock.turn(10_000);
  expect(await describe(arn)).toMatchObject({
    lastStatus: 'STOPPED',
    stopCode: 'TaskFailedToStart',
    stoppedReason: expect.stringContaining('CannotPullContainerError'),
  });
});

test('what is asked of is late: a task is missing at first, and its states come later', async () => {
  const { clock, begun, describe, ecs } = await setUp({ lateMs: 1_500 });
  const arn = await begun();
  const listed = async () => (await ecs.send(new ListTasksCommand({ ...CLUSTER, startedBy: 'runner/one' }))).taskArns;
  expect(await describe(arn)).toBe('MISSING');
  expect(await listed()).toEqual([]);
  await clock.turn(2_000);
  expect(await describe(arn)).toMatchObject({ lastStatus: 'PROVISIONING' });
  expect(await listed()).toEqual([arn]);
});

test('the same client token is the same task; with something else changed it is a conflict', async () => {
  const { run, standIn } = await setUp();
  const first = await run({ clientToken: 'session-1' });
  const second = await run({ clientToken: 'session-1' });
  expect(second.tasks?.[0]?.taskArn).toBe(first.tasks?.[0]?.taskArn);
  await expect(run({ clientToken: 'session-1', startedBy: 'runner/two' })).rejects.toMatchObject({
    name: 'ConflictException',
    resourceIds: [first.tasks?.[0]?.taskArn],
  });
  expect(standIn.operations.tasks).toHaveLength(1);
});

test('an answer that is lost is asked for again by the SDK, and is one task', async () => {
  const { run, standIn } = await setUp({ fault: ({ n }) => (n === 1 ? 'lost' : undefined) });
  expect((await run()).tasks).toHaveLength(1);
  expect(standIn.calls).toHaveLength(2);
  expect(standIn.operations.tasks).toHaveLength(1);
});

test('throttling is an error after the SDK’s own tries, and no room is a success without a task', async () => {
  const { run, standIn } = await setUp({ fault: ({ n }) => (n <= 3 ? 'throttled' : { failure: 'RESOURCE:MEMORY' }) });
  await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException' });
  expect(await run()).toMatchObject({ tasks: [], failures: [{ reason: 'RESOURCE:MEMORY' }] });
  standIn.fault = () => ({ error: 'ClientException', message: 'Capacity is unavailable at this time.' });
  await expect(run()).rejects.toMatchObject({ name: 'ClientException', message: expect.stringContaining('Capacity') });
  expect(standIn.operations.tasks).toEqual([]);
});

test('calls are counted as AWS does: a burst, then so many a second, and each kind for itself', async () => {
  const { clock, run, describe, standIn } = await setUp({ throttled: true });
  expect(await calls(120, () => run())).toBe(100);
  expect(await calls(10, () => describe('nobody'))).toBe(10);
  await clock.turn(1_000);
  // Fargate launches 20 a second.
  expect(await calls(40, () => run())).toBe(20);
  expect(standIn.operations.tasks).toHaveLength(120);
});

test('what the API does not take is refused as there', async () => {
  const { run, ecs } = await setUp();
  const refusals: [Partial<RunTaskCommandInput>, string][] = [
    [{ overrides: { containerOverrides: [{ name: 'main', command: ['x'.repeat(8192)] }] } }, 'at most 8192'],
    [{ overrides: { containerOverrides: [{ name: 'other' }] } }, 'not a container in the TaskDefinition'],
    [{ overrides: { cpu: '256', memory: '4096' } }, 'No Fargate configuration'],
    [{ overrides: { ephemeralStorage: { sizeInGiB: 20 } } }, 'sizeInGiB'],
    [{ networkConfiguration: undefined }, 'networkConfiguration'],
    [{ capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT' }] }, 'both a launch type and capacity'],
    [{ startedBy: 'x'.repeat(129) }, 'startedBy'],
    [{ count: 11 }, 'count'],
    [{ clientToken: 'two words' }, 'clientToken'],
    [{ tags: Array.from({ length: 51 }, (_, n) => ({ key: `k${n}`, value: '' })) }, 'tags'],
    [{ taskDefinition: 'another' }, 'TaskDefinition not found'],
  ];
  for (const [more, words] of refusals) await expect(run(more)).rejects.toThrow(words);
  const list = new ListTasksCommand({ ...CLUSTER, startedBy: 'runner/one', desiredStatus: 'STOPPED' });
  await expect(ecs.send(list)).rejects.toThrow('startedBy');
});

test('lists have pages, and who has no credentials gets nothing', async () => {
  const { run, ecs, standIn } = await setUp();
  await run({ count: 3 });
  const one = await ecs.send(new ListTasksCommand({ ...CLUSTER, startedBy: 'runner/one', maxResults: 2 }));
  expect(one.taskArns).toHaveLength(2);
  const two = await ecs.send(new ListTasksCommand({ ...CLUSTER, startedBy: 'runner/one', nextToken: one.nextToken }));
  expect(two.taskArns).toHaveLength(1);
  const definition = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: 'session:1' }));
  expect(definition.taskDefinition?.containerDefinitions?.map(({ name }) => name)).toEqual(['main']);
  const credentials = { ...CREDENTIALS, accessKeyId: 'AKIANOBODY' };
  const stranger = new ECSClient({ endpoint: standIn.url, region: 'eu-central-1', credentials });
  await expect(stranger.send(new ListTasksCommand(CLUSTER))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  });
});
