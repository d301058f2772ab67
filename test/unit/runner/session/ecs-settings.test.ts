import { expect, test } from 'vitest';
import { DOOR_BOUNDS } from '../../../../runner/porter/door-bounds.ts';
import { parseSettings } from '../../../../runner/session/settings.ts';

const ECS = {
  RUNNER_BACKEND: 'ecs',
  ECS_CLUSTER: 'cc-docker',
  ECS_SUBNETS: 'subnet-a, subnet-b',
  ECS_SECURITY_GROUPS: 'sg-a',
  PORTER_ADDRESS: '10.0.0.10',
};
const settingsOf = (env: Record<string, string>) => {
  const parsed = parseSettings(env);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.settings.ecs;
};

const machine = (env: Record<string, string>) => {
  const parsed = parseSettings(env);
  return parsed.ok ? parsed.settings.machine : parsed.problem;
};

test('a runner of ecs knows its cluster, where tasks run, and where they reach it', () => {
  expect(settingsOf({ ...ECS, ECS_CAPACITY_PROVIDERS: 'FARGATE_SPOT,FARGATE' })).toEqual({
    ecs: {
      cluster: 'cc-docker',
      taskDefinition: 'cc-docker-session',
      subnets: ['subnet-a', 'subnet-b'],
      securityGroups: ['sg-a'],
      assignPublicIp: false,
      capacity: [{ provider: 'FARGATE_SPOT' }, { provider: 'FARGATE' }],
      ebsRole: undefined,
    },
    endpoint: undefined,
    door: { address: '10.0.0.10:7443', listen: { host: '0.0.0.0', port: 7443 }, bounds: DOOR_BOUNDS },
    lostAfterMs: 300_000,
  });
  expect(settingsOf({ ...ECS, PORTER_ADDRESS: 'runner.internal:443' })?.door.address).toBe('runner.internal:443');
  expect(settingsOf({ RUNNER_BACKEND: 'process' })).toBeNull();
});

test('this machine’s memory and cores are no bound of a cluster, unless they are set', () => {
  expect(machine(ECS)).toEqual({ cpus: 0, memory_mb: 0 });
  expect(machine({ ...ECS, RUNNER_CPUS: '64' })).toEqual({ cpus: 64, memory_mb: 0 });
});

test('what it lacks is named', () => {
  const parsed = parseSettings({ RUNNER_BACKEND: 'ecs', ECS_CLUSTER: 'cc-docker' });
  expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(/ECS_SUBNETS.*PORTER_ADDRESS.*docs\/ecs/) });
});
