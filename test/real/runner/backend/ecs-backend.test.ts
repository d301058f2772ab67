import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { PlacementKey } from '../../../../protocol/link/runner-control.ts';
import type { Reason } from '../../../../protocol/reason.ts';
import type { ContainerBackend } from '../../../../runner/backend/backend.ts';
import { sessionFolders } from '../../../../runner/lib/session-folders.ts';
import { newKey } from '../../../support/backend-contract/backend-under-test.ts';
import { backendOnStandIn, ECS_SETTINGS, openDoor } from '../../../support/ecs/backend-on-stand-in.ts';
import type { Call, Fault } from '../../../support/ecs/ecs-stand-in.ts';
import { sessionDefinition } from '../../../support/ecs/session-definition.ts';

const RESOURCES = { memory_mb: 2048, cpus: 1, pids: 128, workspace_mb: 1024, workspace_files: 100_000 };
const idOf = (arn: string) => arn.split('/').at(-1) ?? '';

async function setUp(options: Parameters<typeof backendOnStandIn>[0] = {}) {
  const made = await backendOnStandIn(options);
  const start = async (backend: ContainerBackend, key: PlacementKey, signal = new AbortController().signal) => {
    const folders = sessionFolders(made.sessions, key.session_id);
    mkdirSync(folders.root, { recursive: true });
    const waits: Reason[] = [];
    const result = await backend.start(key, folders, RESOURCES, { signal, onWaiting: (why) => waits.push(why) });
    return { ...result, waits };
  };
  return { ...made, start };
}

/** Which session and epoch the tasks have that are to run. */
const keysOf = (tasks: readonly { now: { tags: { key: string; value: string }[] } }[]) =>
  tasks.map(({ now: { tags } }) => `${tags[1]?.value}/${tags[2]?.value}`);

test('a launch is one task with the size, the mark and the token that it needs, and a stop ends it', async () => {
  const { ecs, newBackend, start, wanted } = await setUp();
  const backend = newBackend();
  const key = newKey();
  expect(await start(backend, key)).toMatchObject({ ok: true, waits: [] });
  expect(await start(backend, key)).toMatchObject({ ok: true });
  const [request] = ecs.calls.filter(({ operation }) => operation === 'RunTask');
  expect(request?.input).toMatchObject({
    count: 1,
    startedBy: 'cc-docker/a-runner',
    enableExecuteCommand: false,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: ['subnet-a', 'subnet-b'],
        securityGroups: ['sg-tasks'],
        assignPublicIp: 'DISABLED',
      },
    },
    overrides: {
      cpu: '1024',
      memory: '3072',
      containerOverrides: [
        {
          name: 'porter',
          environment: expect.arrayContaining([expect.objectContaining({ name: 'CC_DOCKER_PORTER_TOKEN' })]),
        },
        // Nothing of it is for the session.
        { name: 'session', memory: 2048 },
      ],
    },
  });
  expect(wanted()).toHaveLength(1);
  expect(await backend.list()).toEqual([{ key, running: true }]);
  const ended = backend.wait(key);
  await backend.stop(key);
  expect(await ended).toMatchObject({ code: 143, engine: expect.stringContaining('The session was stopped.') });
  await backend.remove(key);
  await expect.poll(() => backend.list()).toEqual([]);
});

test('a task that ends by itself says how: its code, its memory, its porter, or what AWS did', async () => {
  const { ecs, runtime, newBackend, start } = await setUp();
  const backend = newBackend();
  const endOf = async (end: (arn: string) => void) => {
    const key = newKey();
    await start(backend, key);
    end(ecs.operations.tasks.at(-1)?.now.taskArn ?? '');
    return await backend.wait(key);
  };
  expect(await endOf((arn) => runtime.end(idOf(arn), 'session', { exitCode: 9 }))).toEqual({
    code: 9,
    signal: null,
    outOfMemory: false,
    log: '',
  });
  const reason = 'OutOfMemoryError: Container killed due to memory usage';
  expect(await endOf((arn) => runtime.end(idOf(arn), 'session', { exitCode: 137, reason }))).toMatchObject({
    outOfMemory: true,
  });
  expect(await endOf((arn) => runtime.end(idOf(arn), 'porter', { exitCode: 70 }))).toMatchObject({
    engine: expect.stringContaining('porter beside it ended with code 70'),
  });
  const stop = (code: string, why: string) => () => ecs.operations.tasks.at(-1)?.stop(code, why);
  expect(await endOf(stop('SpotInterruption', 'Your Spot Task was interrupted.'))).toMatchObject({
    engine:
      'AWS took back the spot capacity that it ran on: Your Spot Task was interrupted. The next message starts another.',
  });
});

test('without room it asks for other capacity and each subnet, says so, and goes on when there is some', async () => {
  const { ecs, newBackend, start, wanted } = await setUp({
    fault: ({ operation, n }) =>
      operation !== 'RunTask' || n > 5
        ? undefined
        : n % 2 === 0
          ? { failure: 'RESOURCE:MEMORY' }
          : { error: 'ClientException', message: 'Capacity is unavailable at this time. Please try again later.' },
  });
  const { ok, waits } = await start(newBackend(), newKey());
  expect(ok).toBe(true);
  expect(waits).toHaveLength(5);
  expect(waits[0]).toMatchObject({ code: 'no_capacity', detail: expect.stringContaining('Capacity is unavailable') });
  const asked = ecs.calls.flatMap(({ operation, input }) =>
    operation === 'RunTask'
      ? [JSON.stringify([input['capacityProviderStrategy'] ?? input['launchType'], input['networkConfiguration']])]
      : [],
  );
  // Two capacities, in both subnets and in each alone.
  expect(new Set(asked).size).toBe(6);
  expect(wanted()).toHaveLength(1);
});

test('room that ECS finds missing only after it took the task is asked for again, and is another task', async () => {
  const delays = { provisioning: 300, pending: 0, deactivating: 0, deprovisioning: 0 };
  const { ecs, newBackend, start, wanted } = await setUp({ delays });
  const settings = { ...ECS_SETTINGS, subnets: ['subnet-a'], capacity: [{ launchType: 'FARGATE' as const }] };
  const begun = start(newBackend({ settings }), newKey());
  await expect.poll(() => ecs.operations.tasks.length).toBe(1);
  ecs.operations.tasks[0]?.stop(
    'TaskFailedToStart',
    'Capacity is unavailable at this time. Please try again later or in a different availability zone',
  );
  expect(await begun).toMatchObject({ ok: true, waits: [{ code: 'no_capacity' }] });
  expect(wanted()).toHaveLength(1);
});

test('room that never comes is no_capacity in the end, and leaves nothing', async () => {
  const { newBackend, start, ecs } = await setUp({
    fault: ({ operation }) => (operation === 'RunTask' ? { failure: 'RESOURCE:CPU' } : undefined),
  });
  const backend = newBackend({ times: { room: 200 } });
  const key = newKey();
  expect(await start(backend, key)).toMatchObject({
    ok: false,
    failure: { code: 'no_capacity', detail: expect.stringContaining('RESOURCE:CPU') },
  });
  expect(await backend.list()).toEqual([]);
  ecs.fault = () => undefined;
  expect(await start(backend, { ...key, epoch: 2 })).toMatchObject({ ok: true });
});

test('a stop while it waits for room ends the wait', async () => {
  const { newBackend, start, wanted } = await setUp({
    fault: ({ operation }) => (operation === 'RunTask' ? { failure: 'AGENT' } : undefined),
  });
  const stop = new AbortController();
  const begun = start(newBackend(), newKey(), stop.signal);
  stop.abort();
  expect(await begun).toMatchObject({ ok: false });
  expect(wanted()).toEqual([]);
});

test('what the operator has to mend is said at once', async () => {
  const { ecs, newBackend, start } = await setUp({
    fault: ({ operation }) =>
      operation === 'RunTask' ? { error: 'AccessDeniedException', message: 'not authorized' } : undefined,
  });
  const backend = newBackend();
  expect(await start(backend, newKey())).toMatchObject({
    ok: false,
    failure: { code: 'container_start_failed', detail: expect.stringContaining('docs/ecs.md') },
  });
  ecs.fault = () => undefined;
  ecs.operations.register(sessionDefinition('cc-docker/session:missing'));
  expect(await start(backend, newKey())).toMatchObject({
    ok: false,
    failure: {
      code: 'container_start_failed',
      detail: expect.stringMatching(/CannotPullContainerError[^]*execution role/),
    },
  });
});

test('a task that does not come, or whose token another one used, is stopped', async () => {
  const { newBackend, start, wanted } = await setUp();
  const never = {
    ...openDoor(),
    arrived: async (_: unknown, signal: AbortSignal) =>
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };
  expect(await start(newBackend({ door: never, times: { arrival: 200 } }), newKey())).toMatchObject({
    ok: false,
    failure: { detail: expect.stringMatching(/did not reach the runner at 10\.0\.0\.1:7443/) },
  });
  const stolen = { ...openDoor(), bind: () => false };
  expect(await start(newBackend({ door: stolen }), newKey())).toMatchObject({
    ok: false,
    failure: { detail: expect.stringContaining('with its token') },
  });
  expect(wanted()).toEqual([]);
});

test('the next process of the runner finds its tasks, also one of which only ECS knows', async () => {
  const { ecs, newBackend, start, wanted } = await setUp();
  const [known, lost, over] = [newKey(), newKey(), newKey()];
  const first = newBackend();
  await start(first, known);
  await start(first, over);
  await first.close();
  ecs.operations.tasks[1]?.stop('EssentialContainerExited', 'Essential container in task exited');
  // Accepted, and the process died before it heard of it.
  ecs.fault = ({ operation }: Call): Fault | undefined => (operation === 'RunTask' ? 'lost' : undefined);
  const dying = newBackend();
  void start(dying, lost).catch(() => undefined);
  await expect.poll(() => ecs.operations.tasks.length).toBe(3);
  await dying.close();
  ecs.fault = () => undefined;
  const next = newBackend();
  await expect.poll(() => next.list()).toHaveLength(3);
  const found = await next.list();
  expect(found).toEqual(
    expect.arrayContaining([
      { key: known, running: true },
      { key: lost, running: true },
      { key: over, running: false },
    ]),
  );
  // One that finds ECS busy knows them all the same, for what it does not name its sessions have lost.
  let busy = 5;
  ecs.fault = ({ operation }) => (operation === 'ListTasks' && busy-- > 0 ? 'throttled' : undefined);
  expect(await newBackend().list()).toHaveLength(3);
  expect(busy).toBeLessThan(0);
  expect(await next.wait(over)).toMatchObject({ outOfMemory: false });
  // The pool sends a launch again of which it heard nothing: it is the same task.
  expect(await start(newBackend(), lost)).toMatchObject({ ok: true });
  expect(wanted()).toHaveLength(2);
});

test('a task that nobody knows is stopped, and one of another runner is left alone', async () => {
  const { ecs, newBackend, start, wanted } = await setUp();
  const backend = newBackend();
  const other = newBackend({ runnerId: 'another' });
  await start(other, newKey());
  await backend.list();
  await start(backend, newKey());
  const [foreign, own] = wanted();
  ecs.operations.call('RunTask', {
    ...ecs.calls.findLast(({ operation }) => operation === 'RunTask')?.input,
    clientToken: 'stray',
  });
  expect(wanted()).toHaveLength(3);
  await expect.poll(wanted).toEqual([foreign, own]);
});

test('of 50 launches, every second of whose requests fails, is throttled or is lost after it was accepted, each is one task', async () => {
  const tokens: string[] = [];
  const kinds: Fault[] = ['throttled', 'lost', { failure: 'RESOURCE:MEMORY' }, 'unavailable'];
  const { newBackend, start, wanted, ecs } = await setUp({
    fault: ({ operation, input, n }) => {
      if (operation !== 'RunTask') return n % 7 === 0 ? 'throttled' : undefined;
      const token = String(input['clientToken']);
      if (!tokens.includes(token)) tokens.push(token);
      return tokens.indexOf(token) % 2 === 1 && n % 3 !== 0
        ? kinds[Math.floor(tokens.indexOf(token) / 2) % kinds.length]
        : undefined;
    },
  });
  const backend = newBackend({ times: { room: 100_000 } });
  await backend.list();
  const keys = Array.from({ length: 50 }, () => newKey());
  const started = await Promise.all(keys.map((key) => start(backend, key)));
  expect(started.filter(({ ok }) => !ok)).toEqual([]);
  const names = keys.map(({ session_id, epoch }) => `${session_id}/${epoch}`);
  await expect.poll(() => keysOf(wanted()).toSorted()).toEqual(names.toSorted());
  await Promise.all(keys.map((key) => backend.remove(key).catch(() => backend.remove(key))));
  await expect.poll(wanted).toEqual([]);
  expect(ecs.operations.tasks.length).toBeGreaterThanOrEqual(50);
});

test('150 launches at once, and their ends, live through AWS’s own limits of calls', async () => {
  const { newBackend, start, wanted, ecs } = await setUp({ throttled: true });
  const backend = newBackend({ times: { room: 100_000, look: 200, answer: 100_000 } });
  const keys = Array.from({ length: 150 }, () => newKey());
  const started = await Promise.all(keys.map((key) => start(backend, key)));
  expect(started.filter(({ ok }) => !ok)).toEqual([]);
  expect(keysOf(wanted()).toSorted()).toEqual(keys.map(({ session_id, epoch }) => `${session_id}/${epoch}`).toSorted());
  expect(ecs.operations.tasks).toHaveLength(150);
  await Promise.all(keys.map((key) => backend.remove(key)));
  expect(wanted()).toEqual([]);
});

test('its health says what a task definition lacks to keep a session in', async () => {
  const { ecs, newBackend } = await setUp();
  const backend = newBackend();
  expect(await backend.health()).toMatchObject({ ok: true });
  ecs.operations.register({ ...sessionDefinition(), taskRoleArn: 'arn:aws:iam::000000000000:role/any' });
  expect(await backend.health()).toMatchObject({ ok: false, detail: expect.stringContaining('task role') });
  const missing = newBackend({ settings: { ...ECS_SETTINGS, taskDefinition: 'another' } });
  expect(await missing.health()).toMatchObject({ ok: false, detail: expect.stringContaining('ECS_TASK_DEFINITION') });
  ecs.fault = () => ({ error: 'ExpiredTokenException', message: 'expired' });
  expect(await backend.health()).toMatchObject({
    ok: false,
    detail: expect.stringContaining('credentials have expired'),
  });
});
